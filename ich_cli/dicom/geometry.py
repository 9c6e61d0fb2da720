"""Where slices lie, from ImagePositionPatient and ImageOrientationPatient alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from ich_cli.domain import FloatArray

Vectors = NDArray[np.float64]

SAME_PLACE_MM = 0.05
MAX_STEP_MM = 12.0
"""Between neighbouring planes; a bleed of 10 mm may lie unseen in more."""
GAP_FACTOR = 1.5
"""A step is a gap when it is this much longer than both its neighbours."""
UNEVEN = 0.05
"""Steps that differ by more than this share of the median are uneven."""
SHIFT_MM = 2.0
"""Slices whose corner strays this far from a straight line are shifted in their plane."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing slices: the step after slice ``index`` is ``mm`` long."""

    index: int
    mm: float


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Planes in order along their normal.

    Attributes:
        places: For each place, in order, the indices of the planes that lie there.
        along_mm: ``(n,)`` where the places are on the normal.
        gaps: Steps that are longer than their neighbours.
    """

    places: tuple[tuple[int, ...], ...]
    along_mm: Vectors
    gaps: tuple[Gap, ...]

    @property
    def order(self) -> tuple[int, ...]:
        """The first plane of each place."""
        return tuple(indices[0] for indices in self.places)

    @property
    def n_repeats(self) -> int:
        """Planes beyond one a place."""
        return sum(len(indices) - 1 for indices in self.places)

    @property
    def steps_mm(self) -> Vectors:
        """``(n − 1,)`` distances between neighbours along the normal."""
        return np.diff(self.along_mm)

    @property
    def uneven(self) -> bool:
        """Whether the steps differ noticeably."""
        steps = self.steps_mm
        if steps.size < 2:
            return False
        median = float(np.median(steps))
        return bool(np.abs(steps - median).max() > max(0.1, UNEVEN * median))


@dataclass(frozen=True, slots=True)
class Canonical:
    """A stack on canonical axes; names as in :class:`~ich_cli.domain.Volume`.

    ``along_z`` tells whether the slices are stacked along z, as axial slices are; when they
    are not (a sagittal or coronal stack) a slice of the array is no slice of the scan.
    """

    array: FloatArray
    spacing_mm: tuple[float, float, float]
    positions_mm: Vectors
    affine: Vectors
    along_z: bool


def unit_normal(orientation: Sequence[float]) -> Vectors:
    """Normal of a plane: upwards; of a sagittal or coronal one, to the left or the back."""
    row = np.asarray(orientation[:3], np.float64)
    column = np.asarray(orientation[3:], np.float64)
    normal = np.cross(row, column)
    normal /= np.linalg.norm(normal)
    axis = _assign(np.stack([normal, column, row], axis=1))[0]
    return np.asarray(normal if normal[axis] > 0 else -normal, np.float64)


def tilt_degrees(orientation: Sequence[float]) -> float:
    """Signed gantry tilt: positive where the front of the plane lies nearer to the vertex.

    It is the lean of the plane's normal towards the back of the head; a head that is turned
    or bent sideways in a straight gantry has none.
    """
    normal = unit_normal(orientation)
    return math.degrees(math.atan2(float(normal[1]), float(normal[2]))) + 0.0


def arrange(positions_mm: Vectors, orientation: Sequence[float]) -> Arrangement:
    """Order planes along their normal.

    Args:
        positions_mm: ``(n, 3)``, n ≥ 1, LPS of each plane's first voxel.
        orientation: The direction cosines that the planes share.
    """
    places = np.asarray(positions_mm, np.float64) @ unit_normal(orientation)
    ranked = sorted(range(len(places)), key=lambda index: (round(float(places[index]), 2), index))
    found: list[list[int]] = []
    for index in ranked:
        if found and abs(places[index] - places[found[-1][0]]) <= SAME_PLACE_MM:
            found[-1].append(index)
        else:
            found.append([index])
    along = places[[indices[0] for indices in found]]
    return Arrangement(tuple(map(tuple, found)), along, find_gaps(np.diff(along)))


def find_gaps(steps_mm: Vectors) -> tuple[Gap, ...]:
    """Find steps that are ``GAP_FACTOR`` longer than the steps on either side.

    A scan that goes over from thin to thick slices has none.
    """
    gaps = []
    for index, step in enumerate(steps_mm):
        beside = [steps_mm[i] for i in (index - 1, index + 1) if 0 <= i < len(steps_mm)]
        if beside and step > GAP_FACTOR * max(beside):
            gaps.append(Gap(index, float(step)))
    return tuple(gaps)


def unseen_mm(placed: Arrangement, n_lost: int) -> float:
    """Longest stretch along the normal that only lost slices may have shown, in mm.

    A slice lost between others leaves a gap. Those that no gap accounts for may all have lain
    at one end, where nothing tells that the body goes on.

    Args:
        placed: The slices that are left, in two places at least.
        n_lost: Slices that could not be used; without any, a gap is how the scan was made.
    """
    if not n_lost:
        return 0.0
    steps = placed.steps_mm
    longest, inside = 0.0, 0
    for gap in placed.gaps:
        around = [steps[i] for i in (gap.index - 1, gap.index + 1) if 0 <= i < len(steps)]
        longest = max(longest, gap.mm - float(max(around)))
        inside += round(gap.mm / float(max(around))) - 1
    at_an_end = max(0, n_lost - inside) * float(max(steps[0], steps[-1]))
    return round(max(longest, at_an_end), 2)


def slice_lengths(along_mm: Vectors) -> FloatArray:
    """Length of normal each slice stands for: half the way to either neighbour.

    The outermost slices reach as far outwards as inwards, but never out by more than half
    the usual step: beside a gap nothing is known of the outside.
    """
    steps = np.diff(along_mm)
    usual = float(np.median(steps))
    outwards = np.minimum(steps[[0, -1]], usual)
    padded = np.concatenate([outwards[:1], steps, outwards[1:]])
    return np.asarray((padded[:-1] + padded[1:]) / 2, np.float32)


def is_shifted(positions_mm: Vectors, along_mm: Vectors) -> bool:
    """Whether slices are displaced within their planes, as when two runs are joined."""
    if len(along_mm) < 3:
        return False
    design = np.stack([along_mm, np.ones_like(along_mm)], axis=1)
    fit, *_ = np.linalg.lstsq(design, positions_mm, rcond=None)
    return bool(np.abs(positions_mm - design @ fit).max() > SHIFT_MM)


def canonicalise(
    stack: FloatArray,
    positions_mm: Vectors,
    orientation: Sequence[float],
    pixel_mm: tuple[float, float],
) -> Canonical:
    """Turn a stack onto the axes z up, y back, x left, by transposing and flipping only.

    Args:
        stack: ``(n, rows, columns)``, n ≥ 2, ordered along :func:`unit_normal`.
        positions_mm: ``(n, 3)`` LPS of each plane's first voxel.
        orientation: Direction cosines of a row, then of a column.
        pixel_mm: Distance between rows, between columns.

    Returns:
        The same voxels in the same places.
    """
    row = np.asarray(orientation[:3], np.float64)
    column = np.asarray(orientation[3:], np.float64)
    normal = unit_normal(orientation)
    first, step = _line(positions_mm)
    # One column an array axis (slice, row index, column index): its step in millimetres.
    steps = np.stack([step, column * pixel_mm[0], row * pixel_mm[1]], axis=1)
    directions = np.stack([normal, column, row], axis=1)
    axes = _assign(directions)
    spacing = (float(np.median(np.diff(positions_mm @ normal))), pixel_mm[0], pixel_mm[1])
    places = np.asarray(positions_mm, np.float64).copy()
    for axis in (1, 2):
        if directions[axes[axis], axis] < 0:
            stack = np.flip(stack, axis)
            jump = steps[:, axis] * (stack.shape[axis] - 1)
            first, places = first + jump, places + jump
            steps[:, axis] *= -1
    # axes[a] is the patient axis (0 x, 1 y, 2 z) of array axis a; the result is (z, y, x).
    order = [axes.index(patient) for patient in (2, 1, 0)]
    affine = np.eye(4)
    affine[:3, :3] = steps[:, order[::-1]]
    affine[:3, 3] = first
    along_z = order[0] == 0
    array = np.ascontiguousarray(stack.transpose(order))
    if not along_z:
        places = first + np.arange(array.shape[0])[:, None] * affine[:3, 2]
    mm = (spacing[order[0]], spacing[order[1]], spacing[order[2]])
    return Canonical(array, mm, places, affine, along_z)


def _line(positions_mm: Vectors) -> tuple[Vectors, Vectors]:
    """Best straight line through the positions: its start and its step per slice."""
    count = np.arange(len(positions_mm), dtype=np.float64)
    design = np.stack([np.ones_like(count), count], axis=1)
    fit, *_ = np.linalg.lstsq(design, np.asarray(positions_mm, np.float64), rcond=None)
    return fit[0], fit[1]


def _assign(directions: Vectors) -> list[int]:
    """Give every array axis its own patient axis, the overall nearest way.

    Args:
        directions: ``(3, 3)`` unit vectors, one a column and array axis.
    """
    best = max(
        permutations(range(3)),
        key=lambda order: sum(abs(directions[order[axis], axis]) for axis in range(3)),
    )
    return list(best)
