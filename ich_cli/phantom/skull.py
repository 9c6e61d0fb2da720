"""Everything around the brain: skull with its base, face, scalp, and the head holder."""

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

AIR, FAT, SKIN, MUSCLE = -1000.0, -90.0, 30.0, 55.0
TABLE, DIPLOE, BASE_BONE, THIN_BONE = 1100.0, 650.0, 750.0, 500.0
HALF_WIDTH, HALF_LENGTH, HEIGHT, DEPTH = 69.0, 86.0, 78.0, 104.0
"""Half-axes of the inner table, mm: x, y, and z upwards and downwards."""


@dataclass(frozen=True, slots=True)
class Surfaces:
    """The bone's inner side at some points.

    Attributes:
        inside: Signed distance to the whole intracranial space.
        vault: Signed distance to the inner table, as if the vault were closed below.
        floor: Height of the skull base there, mm.
    """

    inside: Array
    vault: Array
    floor: Array

    def part(self, rows: slice, columns: slice) -> Surfaces:
        """The same for some rows and columns."""
        shape = self.inside.shape
        floor = np.broadcast_to(self.floor, shape)
        return Surfaces(*(a[rows, columns] for a in (self.inside, self.vault, floor)))


@dataclass(frozen=True, slots=True)
class Skull:
    """One person's skull: random waves for its irregularities."""

    bumps: Waves
    marrow: Waves
    cells: Waves
    planes: Waves
    warp: Waves
    thickness_mm: float
    width: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Skull:
        """Draw a person."""
        return cls(
            bumps=waves(rng, 75.0, count=5),
            marrow=waves(rng, 7.0, count=6),
            cells=waves(rng, 8.0, count=6),
            planes=waves(rng, 26.0, count=6),
            warp=waves(rng, 38.0, count=6),
            thickness_mm=float(rng.uniform(5.8, 7.2)),
            width=float(rng.uniform(0.96, 1.03)),
        )

    def inner(self, p: Points) -> Array:
        """Signed distance to the inner table, as if the vault were closed below."""
        t = p.y * np.float32(1 / HALF_LENGTH)
        half_width = np.float32(HALF_WIDTH * self.width) * (1 + 0.11 * t - 0.05 * t * t)
        u = p.x / half_width
        zn = np.where(p.z > 0, p.z / np.float32(HEIGHT), p.z / np.float32(-DEPTH))
        norm = np.sqrt(u * u + t * t + np.abs(zn) ** np.float32(2.4)) + np.float32(1e-3)
        slope_z = 1.2 * np.abs(zn) ** np.float32(1.4) / np.where(p.z > 0, HEIGHT, DEPTH)
        slope = np.sqrt((u / half_width) ** 2 + (t / HALF_LENGTH) ** 2 + slope_z**2) / norm
        distance = (norm - 1) / (slope + np.float32(1e-4))
        return np.asarray(distance + 1.0 * self.bumps.value(p), np.float32)

    def floor(self, p: Points) -> Array:
        """Height of the skull base, mm: anterior, middle and posterior fossa, petrous ridges."""
        if float(p.z.min()) > 0:
            return np.full((1, 1), -60.0, np.float32)
        uneven = self.warp.value(p)
        m, y = p.lateral + 1.5 * uneven, p.y + 1.8 * self.planes.value(p) - uneven
        roof = 7 * np.exp(-(((m - 28) / 12) ** 2) - ((y + 60) / 20) ** 2)
        front = -27 + roof - 3 * step(-m, -6, 6)
        bowl = np.minimum(0.014 * (m - 36) ** 2 + 0.012 * (y + 12) ** 2, 16)
        body = step(-m, -16, 10)
        middle = (bowl - 50) * (1 - body) - 31 * body
        clivus = np.minimum(curve(p.y, ((-6, -27), (14, -66))), -30)
        behind = np.where(m < 12, clivus, -30 - 36 * step(y - 0.5 * m, 14, 22))
        behind = np.where(p.y < 10, behind, np.maximum(-69 + 0.010 * m * m, behind - 6))
        height = front + (middle - front) * step(y - 0.10 * m, -34, 10)
        ridge = y - (3 + 0.55 * m) + 7 * body
        height = height + (behind - height) * step(ridge, 2, 12)
        height = height + 13 * np.exp(-((ridge / 6.5) ** 2)) * step(m, 17, 10) * step(-m, -62, 10)
        dorsum = 5 * np.exp(-(((p.y + 6) / 3) ** 2)) * step(-m, -10, 6)
        return np.asarray(height + dorsum, np.float32)

    def surfaces(self, p: Points) -> Surfaces:
        """Where the bone ends."""
        vault, floor = self.inner(p), self.floor(p)
        canal = common(ellipsoid(p, (0, 32, -78), (15, 17, 60)), p.z + 55)
        inside = union(common(vault, (floor - p.z) * np.float32(0.75)), canal)
        return Surfaces(inside, vault, floor)

    def paint(self, p: Points, surfaces: Surfaces, edge_mm: float) -> Array:
        """Hounsfield units of the head as if it were filled with bone and soft tissue.

        Args:
            p: Where.
            surfaces: From :meth:`surfaces`.
            edge_mm: Width of the edges.

        Returns:
            HU; the intracranial space is still to be painted over it.
        """
        vault = surfaces.vault
        shape = np.broadcast_shapes(p.x.shape, p.y.shape, p.z.shape)
        hu = np.full(shape, AIR, np.float32)
        low = step(-p.z, 14, 14)
        thick = self.thickness_mm + 1.2 * step(np.abs(p.y), 70, 30) - 2.0 * step(p.lateral, 58, 14)
        thick = thick + 2.5 * step(p.z, 62, 30) + 5.0 * low * step(-p.y, 66, 14)
        temple = step(p.lateral, 52, 10) * step(-np.abs(p.y + 22), -34, 16) * step(-p.z, -18, 26)
        scalp = 4.5 + 6.0 * temple
        face = common(
            ellipsoid(p, (0, -38, -60), (64, 61, 400)), p.z + 14 - 0.25 * (p.y + 60), -p.y - 110
        )
        nose = ellipsoid(p, (0, -98, -55), (9, 16, 24))
        neck = common(ellipsoid(p, (0, 22, -100), (68, 74, 400)), p.z + 38)
        skin = union(vault - (thick + scalp), face, nose, neck)
        paint(hu, SKIN, coverage(skin, edge_mm))
        paint(hu, FAT, coverage(skin + 1.8, edge_mm))
        low_enough = float(p.z.min()) < 10
        self._soft_tissue(p, hu, vault - thick, skin, temple, edge_mm)
        if low_enough:
            self._face_bones(p, hu, edge_mm)
        self._bone(p, hu, surfaces, thick, edge_mm)
        if low_enough:
            self._cavities(p, hu, edge_mm)
        return hu

    def _soft_tissue(
        self, p: Points, hu: Array, outer: Array, skin: Array, temple: Array, edge: float
    ) -> None:
        muscle = coverage(outer - 0.4 - 5.0 * temple, edge) * step(temple, 0.3, 0.3)
        paint(hu, MUSCLE, muscle)
        if float(p.z.min()) < -20:
            between = np.exp(-((self.planes.value(p) / 0.16) ** 2))
            deep = coverage(skin + 5, 2 * edge) * step(-p.z, 26, 8)
            paint(hu, MUSCLE, deep * (1 - 0.8 * between))

    def _bone(self, p: Points, hu: Array, at: Surfaces, thick: Array, edge: float) -> None:
        vault, floor = at.vault, at.floor
        uneven = 3.0 * self.warp.value(p)
        bottom = uneven + curve(
            p.y, ((-80, -20), (-40, -26), (-20, -52), (20, -60), (40, -72), (80, -66))
        )
        shell = common(vault - thick, (bottom - p.z) * np.float32(0.9))
        plate = 6.0 + 0.6 * uneven + 4.0 * step(p.y, -10, 30)
        slab = common(vault - 2, (floor - plate - p.z) * np.float32(0.8))
        bone = coverage(union(shell, slab), edge)
        depth = vault / thick
        spongy = step(thick - 4.2, 0, 2) * np.exp(-(((depth - 0.5) / 0.24) ** 2))
        marrow = DIPLOE + 90 * self.marrow.value(p)
        paint(hu, TABLE + (marrow - TABLE) * spongy, bone)
        petrous = ellipsoid(p, (40, 24, -38), (26, 15, 12), mirrored=True)
        paint(hu, BASE_BONE + 250, coverage(petrous, edge) * coverage(vault - 5, edge))

    def _face_bones(self, p: Points, hu: Array, edge: float) -> None:
        walls = union(
            np.abs(ellipsoid(p, (30, -62, -37), (19, 34, 17), mirrored=True)) - 0.9,
            np.abs(ellipsoid(p, (29, -58, -70), (16, 20, 17), mirrored=True)) - 0.7,
        )
        paint(hu, THIN_BONE, coverage(common(walls, p.y * np.float32(-1) - 88), edge))
        cheek = union(
            ellipsoid(p, (50, -64, -40), (5, 9, 12), mirrored=True),
            ellipsoid(p, (62, -30, -52), (2.5, 28, 3.5), mirrored=True),
            ellipsoid(p, (46, -12, -76), (4, 12, 24), mirrored=True),
            ellipsoid(p, (0, -84, -30), (7, 8, 12)),
        )
        paint(hu, 800.0, coverage(cheek, edge))
        ring = np.abs(ellipsoid(p, (0, 30, -84), (22, 22, 9))) - 4
        paint(hu, 700.0, coverage(ring, edge))

    def _cavities(self, p: Points, hu: Array, edge: float) -> None:
        orbit = ellipsoid(p, (30, -62, -37), (18, 33, 16), mirrored=True)
        orbit = common(orbit, -p.y - 92)
        paint(hu, FAT, coverage(orbit, edge))
        nerve = union(
            ellipsoid(p, (22, -48, -36), (2.0, 26, 2.2), mirrored=True),
            ellipsoid(p, (15, -52, -37), (2.0, 20, 5), mirrored=True),
            ellipsoid(p, (40, -56, -37), (2.0, 20, 5), mirrored=True),
        )
        paint(hu, 45.0, coverage(nerve, edge) * coverage(orbit, edge))
        globe = ellipsoid(p, (31, -80, -37), (12.5, 12.5, 12.5), mirrored=True)
        paint(hu, 50.0, coverage(globe, edge))
        paint(hu, 10.0, coverage(globe + 1.4, edge))
        lens = ellipsoid(p, (31, -89, -37), (4.5, 2.2, 4.5), mirrored=True)
        paint(hu, 80.0, coverage(lens, edge))
        air = union(
            ellipsoid(p, (0, -62, -39), (11, 26, 14)),
            ellipsoid(p, (0, -22, -42), (15, 12, 9)),
            ellipsoid(p, (0, -66, -68), (12, 30, 20)),
            ellipsoid(p, (29, -58, -70), (15, 19, 16), mirrored=True),
            ellipsoid(p, (10, -88, -14), (11, 3.2, 9), mirrored=True),
        )
        septa = np.abs(self.cells.value(p)) - np.float32(0.25)
        share = coverage(air, edge)
        paint(hu, -950.0, share)
        nasal = union(ellipsoid(p, (0, -62, -39), (11, 26, 14)), p.lateral - 1.0)
        paint(hu, 250.0, share * coverage(septa * 3, edge) * coverage(nasal, edge))
        mastoid = ellipsoid(p, (58, 36, -46), (9, 12, 16), mirrored=True)
        paint(hu, -700.0, coverage(mastoid, edge) * step(self.cells.value(p), 0.0, 0.5))
        canal = ellipsoid(p, (68, 16, -44), (14, 3.5, 3.5), mirrored=True)
        paint(hu, -950.0, coverage(canal, edge))


def holder(p: Points) -> tuple[Array, Array]:
    """The carbon cradle behind the head: signed distances to its shell and its padding."""
    radius = np.sqrt(p.x**2 + (p.y - 4) ** 2)
    cradle = common(np.abs(radius - 116) - 1.0, 30 - p.y)
    padding = common(np.abs(radius - 110) - 5.0, 45 - p.y)
    return np.asarray(cradle, np.float32), np.asarray(padding, np.float32)
