"""What the skull holds: folded cortex, deep nuclei, ventricles, cisterns, cerebellum, dura."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ich_cli.phantom.fields import (
    Array,
    Points,
    Waves,
    common,
    coverage,
    curve,
    ellipsoid,
    paint,
    step,
    union,
    waves,
)
from ich_cli.phantom.skull import Surfaces

GREY, WHITE, CSF, DURA, SINUS, CALCIUM = 38.5, 30.5, 6.0, 52.0, 54.0, 180.0
RIBBON_MM = 3.2
"""Thickness of the cortex."""


@dataclass(frozen=True, slots=True)
class Content:
    """The intracranial space at some points; shares are 0…1 and exclude one another.

    Attributes:
        hu: Hounsfield units.
        tissue: Share of brain.
        ventricle: Share of ventricle.
        cistern: Share of the other CSF: sulci, fissures, cisterns.
        infratentorial: Signed distance, negative below the tentorium.
    """

    hu: Array
    tissue: Array
    ventricle: Array
    cistern: Array
    infratentorial: Array


@dataclass(frozen=True, slots=True)
class Push:
    """Mass effect: a bleed has moved the brain.

    Attributes:
        shift: What to add to x to find where the tissue came from, mm.
        compress: Thickness of blood between this point and the inner table, mm.
    """

    shift: Array
    compress: Array


@dataclass(frozen=True, slots=True)
class Brain:
    """One person's brain.

    Attributes:
        folds: Where the sulci are.
        drift: Slow irregularity of everything.
        grain: Texture of the tissue.
        sulcus_mm: Width of a sulcus at the surface.
        folia: Fine folds of the cerebellum.
        ventricle_scale: Size of the ventricles, 1 for a middle-aged adult.
        stones_mm: Size of the calcifications of left and right plexus and of the pineal.
        widen_mm: Signed extra width of the CSF spaces (left, right).
    """

    folds: Waves
    drift: Waves
    grain: Waves
    folia: Waves
    sulcus_mm: float
    ventricle_scale: float
    stones_mm: tuple[float, float, float]
    widen_mm: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def draw(
        cls, rng: np.random.Generator, ventricle_scale: float, widen_mm: tuple[float, float]
    ) -> Brain:
        """Draw a person; the ventricles are at least ``ventricle_scale`` in size."""
        age = float(rng.uniform(0, 1))
        return cls(
            folds=waves(rng, 27.0, count=10, spread=0.15),
            drift=waves(rng, 55.0, count=5),
            grain=waves(rng, 12.0, count=6),
            folia=waves(rng, 9.0, count=6),
            sulcus_mm=0.5 + 1.2 * age,
            ventricle_scale=max(0.85 + 0.35 * age, ventricle_scale),
            stones_mm=_stones(rng),
            widen_mm=widen_mm,
        )

    def fill(
        self, p: Points, surfaces: Surfaces, edge_mm: float, push: Push | None = None
    ) -> Content:
        """Fill the intracranial space.

        Args:
            p: Where.
            surfaces: Of the skull, there.
            edge_mm: Width of the edges.
            push: How far a bleed has moved the brain from where it was.
        """
        inside, vault = surfaces.inside, surfaces.vault
        q = p if push is None else Points(p.x + push.shift, p.y, p.z)
        surface = vault if push is None else vault + push.compress
        squeezed = 0.12 * push.compress if push is not None else np.float32(0.0)
        drift = self.drift.value(p)
        infra = infratentorial(p)
        widen = np.where(p.x > 0, *(np.float32(w) for w in self.widen_mm)) - squeezed
        sulci, pial = self._cerebral_surface(q, inside, surface, infra, drift, widen)
        cerebrum = common(pial, sulci)
        hind = self._hindbrain(p, inside, infra)
        ventricle = self.ventricles(q, drift)
        grey = coverage(-cerebrum - RIBBON_MM, 2.4)
        grey = np.maximum(grey, coverage(nuclei(q), 3.0))
        matter = WHITE + (GREY - WHITE) * grey
        folia = np.abs(self.folia.value(Points(p.x * 0.5, p.y, p.z * 2.0)))
        core = coverage(ellipsoid(p, (14, 44, -40), (16, 12, 7), mirrored=True), 8.0)
        hind_hu = 36.5 - 2.5 * core - 4.0 * step(-folia, -0.25, 0.4) * step(p.y, 28, 12)
        matter = np.where(hind < cerebrum, hind_hu, matter) + 0.7 * self.grain.value(p)
        tissue = coverage(union(cerebrum, hind), edge_mm)
        wet = coverage(ventricle, edge_mm)
        hu = CSF + tissue * (matter - CSF)
        paint(hu, CSF, wet)
        for x, y, z, size in zip(
            (22, -22, 0), (36, 35, 18), (9, 8, 4), self.stones_mm, strict=True
        ):
            stone = ellipsoid(q, (x, y, z), (size, 1.5 * size, 1.2 * size))
            paint(hu, CALCIUM, coverage(stone, 2.5) * (size > 0.8))
        self._dura(q, hu, inside, vault, infra, edge_mm)
        hu += 3.0 * np.exp(np.minimum(vault, 0) / 5)
        solid = tissue * (1 - wet)
        return Content(hu, solid, wet, np.maximum(1 - solid - wet, 0), infra)

    def _cerebral_surface(
        self, p: Points, inside: Array, vault: Array, infra: Array, drift: Array, widen: Array
    ) -> tuple[Array, Array]:
        """Signed distances to the cerebrum without its smooth outside, and to that outside."""
        m = p.lateral
        gap = 0.5 + 0.3 * drift + self.sulcus_mm * step(-p.y, 30, 40) * step(p.z, 0, 60)
        gap = np.maximum(gap, 0.2) + 0.5 * widen
        midline = callosum(p)
        fissure = common(m - (1.0 + 0.35 * np.abs(drift) + 0.4 * widen), -midline)
        below = union(
            ellipsoid(p, (0, -9, -20), (17, 16, 13)),
            ellipsoid(p, (0, 10, -16), (20, 19, 15)),
            ellipsoid(p, (0, 0, -27), (20, 25, 17)),
        )
        outside = common(inside + gap, 0.9 - infra, -fissure, -below)
        bend = 0.15 * (m - 40) + 3.0 * np.sin((m - 38) / 9) + 2.0 * drift
        rim = (p.y - (-18 + 0.9 * np.maximum(p.z, -8)) + bend) * 0.75
        opening = 0.6 + 0.3 * np.abs(drift) + 0.06 * np.maximum(m - 40, 0) + 0.5 * widen
        operculum = common(np.abs(rim) - opening, 36 - m, np.abs(p.z + 2) - 20)
        insula = common(
            np.abs(m - (40 - 0.010 * (p.y + 3) ** 2 + 2.0 * drift))
            - np.maximum(0.9 + 0.5 * drift, 0.2)
            - 0.4 * widen,
            np.abs(p.y + 2) - 19,
            np.abs(p.z - 4) - 13,
        )
        path = p.y + 22 - 0.10 * m + 0.008 * (m - 28) ** 2 + 2.5 * drift
        stem = common(np.abs(path) - 1.2 - 0.4 * widen, np.abs(m - 26) - 16, np.abs(p.z + 15) - 6)
        depth = np.minimum(-vault, np.where(midline > 0, 1.6 * m, 99))
        width = (self.sulcus_mm + widen) * (0.75 + 0.35 * step(p.z, 30, 50) + 0.25 * drift)
        reach = 19 + 4 * drift
        radial = 0.3 + 0.7 / np.maximum(1 + vault / 75, 0.35)
        q = Points((p.x - np.sign(p.x) * 20) * radial, p.y * radial, (p.z - 5) * radial)
        fold = self.folds.stripes(q)
        taper = np.clip(1 - (depth / reach) ** 2, -1, 1)
        sulci = fold - 0.5 * width * taper
        sulci = np.where(taper > 0, sulci, np.maximum(sulci, depth - reach))
        grooves = union(sulci, operculum, insula, stem)
        return -grooves, outside

    def _hindbrain(self, p: Points, inside: Array, infra: Array) -> Array:
        """Signed distance to cerebellum and brainstem."""
        m = p.lateral
        lobe = common(
            ellipsoid(p, (0, 46, -34), (57, 38, 34)),
            infra + 0.7,
            inside + 1.8,
            -(ellipsoid(p, (0, 84, -50), (3.5, 14, 30))),
        )
        stem = union(
            ellipsoid(p, (0, 6, -33), (15, 12.5, 15)),
            ellipsoid(p, (9, 2, -14), (7.5, 8.5, 13), mirrored=True),
            ellipsoid(p, (0, 11, -13), (13, 9.5, 12)),
            common(np.sqrt(m**2 * 0.8 + (p.y - 14 + 0.28 * (p.z + 45)) ** 2) - 7.5, p.z + 38),
            ellipsoid(p, (18, 24, -34), (12, 8, 7), mirrored=True),
        )
        return union(lobe, common(stem, inside + 1.0))

    def ventricles(self, p: Points, drift: Array) -> Array:
        """Signed distance to the ventricles."""
        m, s = p.lateral - 0.35 * drift, np.float32(self.ventricle_scale)
        axis_x = curve(
            p.y, ((-40, 11), (-16, 6.5), (5, 9.5), (20, 15), (34, 23), (48, 25), (66, 22))
        )
        axis_z = curve(p.y, ((-40, 6), (-24, 9), (-10, 15), (8, 20), (24, 17), (36, 8), (64, 4)))
        wide = s * curve(
            p.y, ((-42, 0.5), (-34, 4.5), (-16, 4.5), (8, 5.5), (26, 6), (38, 6.5), (62, 0.5))
        )
        high = s * curve(p.y, ((-42, 1), (-32, 8), (-14, 8), (8, 6.5), (24, 8), (38, 9), (62, 2)))
        slant = 0.35 * (p.z - axis_z) * step(-p.y, -10, 20)
        u, v = (m - axis_x - slant) / wide, (p.z - axis_z) / high
        tube = (np.sqrt(u * u + v * v) - 1) * wide
        ends = common(tube, np.abs(p.y - 10) - 51)
        horn_x = curve(p.y, ((-10, 31), (28, 28), (36, 24)))
        horn_z = curve(p.y, ((-10, -25), (20, -14), (34, 2)))
        horn = np.sqrt((m - horn_x) ** 2 + ((p.z - horn_z) * 0.6) ** 2) - (
            1.3 * s * s + 0.05 * (p.y + 8)
        )
        lateral = union(ends, common(horn, np.abs(p.y - 13) - 22))
        lateral = common(lateral, 0.7 - p.lateral)
        third = common(ellipsoid(p, (0, -3, 1), (2.3, 15, 11)), p.lateral - 2.2 * s)
        fourth = ellipsoid(p, (0, 24, -35), (7 * float(s), 4.5 * float(s), 11))
        return union(lateral, third, fourth)

    def _dura(
        self, p: Points, hu: Array, inside: Array, vault: Array, infra: Array, edge: float
    ) -> None:
        within = coverage(inside, edge)
        falx = common(p.lateral - 0.55, 8 - callosum(p), 1.0 - infra)
        paint(hu, DURA, coverage(falx, edge) * within)
        leaf = common(np.abs(infra) - 0.5, inside, 15 - p.lateral * step(-p.y, -46, 10) * 1.0 - 15)
        paint(hu, DURA, coverage(leaf, edge) * step(p.y, 26, 10) * within)
        back = step(p.y + 0.8 * p.z, 30, 40) * step(p.z, -26, 6)
        sinus = common(p.lateral + 0.55 * np.abs(vault) - 4.6, vault)
        paint(hu, SINUS, coverage(sinus, 1.5 * edge) * back)


def infratentorial(p: Points) -> Array:
    """Signed distance to the space below the tentorium and behind the petrous ridges."""
    m = p.lateral
    tent = 1.0 - 0.48 * m - 0.011 * np.maximum(p.y - 28, 0) ** 2
    ridge = 3 + 0.55 * m
    return np.asarray(common((p.z - tent) * 0.85, (ridge - p.y) * 0.85), np.float32)


def callosum(p: Points) -> Array:
    """Signed distance, in the sagittal plane, to what joins the hemispheres."""
    y, z = (p.y - 2) / 41, (p.z - 4) / np.where(p.z > 4, 25, 20)
    return np.asarray((np.sqrt(y * y + z * z) - 1) * 25, np.float32)


def nuclei(p: Points) -> Array:
    """Signed distance to caudate, lentiform nucleus and thalamus."""
    return union(
        ellipsoid(p, (14, -22, 9), (5, 10, 9), mirrored=True),
        ellipsoid(p, (24, -8, 3), (7, 16, 9), mirrored=True),
        ellipsoid(p, (11, 6, 6), (8.5, 14, 9), mirrored=True),
    )


def _stones(rng: np.random.Generator) -> tuple[float, float, float]:
    """Sizes of calcified plexus and pineal; below 0.8 mm there is none."""
    left, right, pineal = rng.uniform(-0.8, 2.4, size=3)
    return float(left), float(right), float(pineal)
