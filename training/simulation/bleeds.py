"""Bleeds of known millilitres, side and region, drawn at 1 mm in a head's own label map."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from ich_cli.domain import Side, Subtype
from ich_cli.findings.regions import REGIONS, kind_of
from ich_cli.findings.side import side_of
from training.simulation.head import Flags, Head

VENTRICLES = (4, 5, 14, 15, 43, 44)
REACH = 75
"""Half the side, in voxels of 1 mm, of the box that a bleed grows in."""

UNSURE_MM = 3.0
"""A side is clear when a plane this far off would not change it."""


@dataclass(frozen=True)
class Truth:
    """One bleed and the facts of it."""

    subtype: Subtype
    mask: Flags
    ml: float
    side: Side
    side_is_clear: bool
    shares: dict[str, float]
    thickness_mm: float | None

    @property
    def region(self) -> str:
        """The region with the largest share."""
        return max(self.shares, key=lambda name: self.shares[name])

    @property
    def region_share(self) -> float:
        """Its share."""
        return self.shares[self.region]


def draw_bleed(head: Head, subtype: Subtype, target_ml: float, rng: np.random.Generator) -> Truth:
    """Grow a bleed to about ``target_ml`` in a random place that suits its kind."""
    centre = _centre(head, subtype, rng)
    box = tuple(
        slice(max(0, int(c) - REACH), min(n, int(c) + REACH))
        for c, n in zip(centre, head.cavity.shape, strict=True)
    )
    first = np.array([part.start for part in box])
    room, cost = _room(head, subtype, box, centre, rng)
    order = np.argsort(cost[room], kind="stable")[: round(target_ml * 1000)]
    index = np.argwhere(room)[order] + first
    mask = np.zeros(head.cavity.shape, bool)
    mask[tuple(index.T)] = True
    if subtype is Subtype.IPH:
        mask[box] = ndimage.binary_opening(mask[box])
        index = np.argwhere(mask[box]) + first
    points = head.lps(index)
    numbers = head.region_numbers(subtype, points)
    counts = np.bincount(numbers[numbers > 0], minlength=2)
    ml = np.full(len(points), 1e-3)
    side = side_of(points, ml, head.plane)
    if side is None:
        raise ValueError("an empty bleed was drawn")
    moved = [
        replace(head.plane, offset_mm=head.plane.offset_mm + d) for d in (-UNSURE_MM, UNSURE_MM)
    ]
    depth = float(head.depth_mm[tuple(index.T)].max())
    return Truth(
        subtype,
        mask,
        len(points) / 1000.0,
        side,
        all(side_of(points, ml, plane) is side for plane in moved),
        {
            name: float(count) / len(points)
            for name, count in zip(REGIONS[kind_of(subtype)], counts[1:], strict=False)
            if count
        },
        depth if subtype in (Subtype.SDH, Subtype.EDH) else None,
    )


def _centre(head: Head, subtype: Subtype, rng: np.random.Generator) -> NDArray[np.intp]:
    """A place to begin: for IPH every region is as likely as any other."""
    labels = head.map.labels
    if subtype is Subtype.IPH:
        brain = head.cavity & ~np.isin(labels, (*VENTRICLES, 24, 514)) & (head.depth_mm > 9)
        index = np.argwhere(brain)[::7]
        numbers = head.region_numbers(subtype, head.lps(index))
        number = rng.choice(np.unique(numbers[numbers > 0]))
        return index[rng.choice(np.nonzero(numbers == number)[0])]
    if subtype is Subtype.IVH:
        return _pick(np.isin(labels, (4, 43, 15)), rng)
    if subtype is Subtype.SAH:
        return _pick((labels == 24) & (head.depth_mm > 4), rng)
    height = np.quantile(np.nonzero(head.cavity)[0], 0.3)
    upper = np.indices(head.cavity.shape, sparse=True)[0] > height
    return _pick(head.cavity & (head.depth_mm <= 2.0) & upper, rng)


def _room(
    head: Head,
    subtype: Subtype,
    box: tuple[slice, ...],
    centre: NDArray[np.intp],
    rng: np.random.Generator,
) -> tuple[Flags, NDArray[np.float32]]:
    """Voxels of ``box`` that a bleed may take, and the order in which it takes them."""
    labels, cavity, depth = head.map.labels[box], head.cavity[box], head.depth_mm[box]
    local = centre - np.array([part.start for part in box])
    if subtype is Subtype.IPH:
        brain = cavity & ~np.isin(labels, (*VENTRICLES, 24, 514)) & (depth > 2.0)
        return brain, _blob(cavity.shape, local, rng)
    if subtype is Subtype.IVH:
        return np.isin(labels, VENTRICLES), _blob(cavity.shape, local, rng, rough=0.1)
    if subtype is Subtype.SAH:
        return (labels == 24) & (depth > 1.0), _blob(cavity.shape, local, rng)
    # Lens: short reach along the table against depth; crescent: a long one.
    reach = 1.9 if subtype is Subtype.EDH else 5.0
    axes = np.indices(cavity.shape, sparse=True, dtype=np.float32)
    away = np.sqrt(sum((a - c) ** 2 for a, c in zip(axes, local, strict=True)))
    cost = np.hypot(away / reach, depth).astype(np.float32)
    here = head.plane.left_mm(head.lps(centre[None]))[0]
    left_mm = -head.plane.offset_mm + sum(
        n * (o + a + part.start)
        for n, o, a, part in zip(
            head.plane.normal[::-1], head.map.origin_mm[::-1], axes, box, strict=True
        )
    )
    return cavity & (left_mm * np.sign(here) > 0) & (depth < 40), cost


def _pick(room: Flags, rng: np.random.Generator) -> NDArray[np.intp]:
    index = np.argwhere(room)
    return index[int(rng.integers(len(index)))]


def _blob(
    shape: tuple[int, ...], centre: NDArray[np.intp], rng: np.random.Generator, rough: float = 0.25
) -> NDArray[np.float32]:
    """Distance from ``centre``, stretched along a random axis and made lumpy."""
    axes = np.indices(shape, sparse=True, dtype=np.float32)
    offset = [a - c for a, c in zip(axes, centre, strict=True)]
    turn = Rotation.random(None, rng).as_matrix().astype(np.float32)
    stretch = np.exp(rng.normal(0, 0.2, 3)).astype(np.float32)
    square = np.zeros(shape, np.float32)
    for row, scale in zip(turn, stretch, strict=True):
        square += (sum(c * o for c, o in zip(row, offset, strict=True)) * scale) ** 2
    small = rng.normal(0, 1, tuple(n // 8 + 2 for n in shape)).astype(np.float32)
    lumps = ndimage.zoom(small, 8, order=1)[tuple(slice(0, n) for n in shape)]
    return np.sqrt(square) * (1.0 + rough * lumps)
