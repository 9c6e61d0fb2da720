"""Haemorrhages that follow the anatomy, grown until they hold the millilitres asked for.

Each bleed is a *field* (millimetres or so; low where blood would be first) and the *room*
that it may take. It fills the room from the field's lowest value upwards; the level at
which the target volume is reached is found on the final grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ich_cli.domain import Side, Subtype
from ich_cli.errors import UsageError
from ich_cli.phantom.brain import Content, callosum
from ich_cli.phantom.fields import Array, Point, Points, Waves, coverage, step, waves
from ich_cli.phantom.skull import Skull, Surfaces
from ich_cli.phantom.spec import Bleed

BLOOD_HU: dict[Subtype, float] = {
    Subtype.EDH: 68.0,
    Subtype.IPH: 68.0,
    Subtype.IVH: 66.0,
    Subtype.SAH: 64.0,
    Subtype.SDH: 70.0,
}
OEDEMA_HU, OEDEMA_MM = -9.0, 6.0

_IPH_CENTRES: dict[str, Point] = {
    "basal_ganglia": (27, -6, 5),
    "thalamus": (14, 7, 7),
    "frontal": (30, -48, 22),
    "parietal": (32, 36, 40),
    "temporal": (46, 0, -18),
    "occipital": (24, 60, 12),
    "cerebellum": (24, 48, -36),
    "brainstem": (5, 4, -31),
}
_EDH_DIRECTIONS: dict[str, Point] = {
    "temporal": (1.0, -0.1, 0.0),
    "frontal": (0.7, -0.75, 0.25),
    "parietal": (0.8, 0.35, 0.6),
    "occipital": (0.5, 0.9, 0.2),
}
_SAH_CENTRES: dict[str, Point] = {
    "sylvian": (40, -14, -2),
    "basal_cisterns": (4, -6, -18),
    "convexity": (38, 5, 55),
}


@dataclass(frozen=True, slots=True)
class Growth:
    """One bleed on one side, ready to grow.

    Attributes:
        subtype: Which of the five.
        region: Where, one of the subtype's regions.
        side: Left or right.
        target_ml: Millilitres to reach.
        lumps: Irregularity of its surface.
        anchor: Middle of the bleed; for EDH the point on the inner table.
    """

    subtype: Subtype
    region: str
    side: Side
    target_ml: float
    lumps: Waves
    anchor: Point

    @property
    def sign(self) -> float:
        """Direction of the side along x: left is positive in LPS."""
        return 1.0 if self.side is Side.LEFT else -1.0

    @property
    def label_share(self) -> float:
        """Share of blood from which a voxel counts. Thin sulci never fill a voxel."""
        return 0.3 if self.subtype is Subtype.SAH else 0.5


def plan(bleed: Bleed, skull: Skull, rng: np.random.Generator) -> tuple[Growth, ...]:
    """One growth a side, each with its share of the millilitres."""
    sides = (Side.LEFT, Side.RIGHT) if bleed.side is Side.BILATERAL else (bleed.side,)
    grown = []
    for side in sides:
        sign = 1.0 if side is Side.LEFT else -1.0
        x, y, z = _anchor(bleed, skull, sign)
        grown.append(
            Growth(
                subtype=bleed.subtype,
                region=bleed.place,
                side=side,
                target_ml=bleed.target_ml / len(sides),
                lumps=waves(rng, 28.0, count=6, spread=0.4),
                anchor=(x, y + float(rng.uniform(-2, 2)), z + float(rng.uniform(-2, 2))),
            )
        )
    return tuple(grown)


def _anchor(bleed: Bleed, skull: Skull, sign: float) -> Point:
    """Middle of a bleed; for an EDH the point of the inner table in its direction."""
    if bleed.subtype is Subtype.IPH:
        x, y, z = _IPH_CENTRES[bleed.place]
    elif bleed.subtype is Subtype.SAH:
        x, y, z = _SAH_CENTRES[bleed.place]
    elif bleed.subtype is Subtype.EDH:
        towards = np.asarray(_EDH_DIRECTIONS[bleed.place], np.float32)
        towards /= np.linalg.norm(towards)
        radius = np.arange(30, 110, 0.25, dtype=np.float32)[:, None]
        line = Points(*(radius * c * s for c, s in zip(towards, (sign, 1, 1), strict=True)))
        reached = float(radius.ravel()[int(np.argmin(np.abs(skull.inner(line))))]) + 2.0
        x, y, z = (float(c * reached) for c in towards)
    else:
        x, y, z = 0.0, 0.0, 0.0
    return x * sign, y, z


def field_and_room(
    growth: Growth, p: Points, surfaces: Surfaces, content: Content
) -> tuple[Array, Array]:
    """Where the blood goes first, and the share of each voxel it may take.

    Args:
        growth: The bleed.
        p: Where.
        surfaces: Of the skull, there.
        content: What is there now.
    """
    inside, vault = surfaces.inside, surfaces.vault
    lumps = growth.lumps.value(p)
    half = coverage(0.5 - growth.sign * p.x, 1.0)
    above = coverage(1.5 - content.infratentorial, 1.0)
    room = coverage(inside, 1.0) * half
    if growth.subtype is Subtype.IPH:
        return _parenchymal(growth, p, inside, content, lumps, room)
    if growth.subtype is Subtype.EDH:
        return _epidural(growth, p, lumps), room * above
    if growth.subtype is Subtype.SDH:
        return _subdural(growth, p, vault, content, lumps), room * above
    if growth.subtype is Subtype.SAH:
        away = [c - a for c, a in zip((p.x, p.y, p.z), growth.anchor, strict=True)]
        distance = np.sqrt(away[0] ** 2 + away[1] ** 2 + away[2] ** 2)
        return distance + 5 * lumps, content.cistern * room
    if growth.region == "fourth":
        return 0.3 * p.z - p.y + lumps, content.ventricle * coverage(content.infratentorial, 1.0)
    # Supine, blood settles at the back: a level, hardly disturbed.
    lateral = coverage(3.0 - growth.sign * p.x, 1.0) * coverage(-content.infratentorial, 1.0)
    return 80 - p.y + 1.0 * lumps, content.ventricle * lateral


def _parenchymal(
    growth: Growth, p: Points, inside: Array, content: Content, lumps: Array, room: Array
) -> tuple[Array, Array]:
    x, y, z = growth.anchor
    reach = np.sqrt((1.15 * (p.x - x)) ** 2 + (0.85 * (p.y - y)) ** 2 + (p.z - z) ** 2)
    hind = growth.region in ("cerebellum", "brainstem")
    if hind:
        room = content.tissue * coverage(content.infratentorial + 1.0, 1.0)
        room = room * coverage(0.5 - growth.sign * p.x, 1.0)
        if growth.region == "brainstem":
            room = room * coverage(p.lateral - 16, 1.0) * coverage(p.y - 22, 1.0)
    else:
        room = room * (1 - content.ventricle) * coverage(inside + 4.0, 1.0)
        room = room * coverage(3.0 - content.infratentorial, 1.0)
    return np.asarray(reach * (1 + 0.13 * lumps), np.float32), room


def _epidural(growth: Growth, p: Points, lumps: Array) -> Array:
    """A lens: an ellipsoid around a point of the inner table, flat along its normal."""
    anchor = np.asarray(growth.anchor)
    nx, ny, nz = (float(c) for c in anchor / np.linalg.norm(anchor))
    dx, dy, dz = p.x - anchor[0], p.y - anchor[1], p.z - anchor[2]
    along = dx * nx + dy * ny + dz * nz
    across = dx * dx + dy * dy + dz * dz - along * along
    return np.asarray(np.sqrt(across + (along / 0.5) ** 2) * (1 + 0.02 * lumps), np.float32)


def _subdural(growth: Growth, p: Points, vault: Array, content: Content, lumps: Array) -> Array:
    """A crescent: depth below the dura over a profile that fades towards its ends."""
    m = p.lateral
    profile: Array
    if growth.region == "falx":
        depth = m - 0.5
        profile = step(callosum(p), 8, 10) * step(-np.abs(p.y - 10), -72, 20)
    elif growth.region == "tentorium":
        depth = content.infratentorial - 0.8
        profile = step(p.y, 18, 16) * step(-m, -48, 14) * step(m, 6, 8)
    else:
        depth = -vault
        profile = crescent(p)
    return np.asarray(depth * (1 + 0.10 * lumps) / np.maximum(profile, 0.02), np.float32)


def crescent(p: Points) -> Array:
    """Thickness of a convexity SDH relative to its thickest part."""
    ends = np.clip(1 - ((p.y - 4) / 60) ** 4, 0, 1) * np.clip(1 - ((p.z - 28) / 38) ** 4, 0, 1)
    return np.asarray(ends * step(p.lateral, 28, 24), np.float32)


def level(
    field: Array, room: Array, voxel_ml: NDArray[np.float64], growth: Growth
) -> tuple[float, NDArray[np.bool_]]:
    """The level of the field below which the room holds the target volume.

    Args:
        field: ``(z, y, x)``, averaged over each voxel.
        room: ``(z, y, x)`` share 0…1.
        voxel_ml: ``(z,)`` millilitres of a voxel of each slice.
        growth: The bleed.

    Returns:
        The level, and the ``(z, y, x)`` mask of the voxels that count as blood.

    Raises:
        UsageError: The room is too small.
    """
    free = room >= growth.label_share
    values = field[free]
    weights = np.repeat(voxel_ml, free.reshape(len(free), -1).sum(axis=1))
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    if not len(total) or total[-1] < growth.target_ml * 0.99:
        most = float(total[-1]) if len(total) else 0.0
        raise UsageError(
            f"{growth.region} has room for {most:.1f} mL of {growth.subtype.value} on the "
            f"{growth.side.value}, not {growth.target_ml:.1f} mL; ask for less"
        )
    at = min(int(np.argmin(np.abs(total - growth.target_ml))), len(total) - 1)
    threshold = float(values[order[at]])
    return threshold, free & (field <= threshold)
