"""The patient's own mid-sagittal plane, from the symmetry of skull and skin.

A mass shifts the brain but not the skull, so the plane rests on bone and contour. It is
found in LPS millimetres; how the arrays were stored does not enter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from ich_cli.findings.coarse import STEP_MM, CoarseHead
from ich_cli.findings.geometry import Points

MAX_YAW_DEG = 40.0
MAX_ROLL_DEG = 30.0
_SAMPLES = 6000
_PRIOR = 0.02
"""Cost of one radian², as a share of the image's variance: decides only where the image
cannot, as in a handful of slices."""


@dataclass(frozen=True, slots=True)
class Midplane:
    """A plane ``normal · p = offset_mm`` with the normal towards the patient's left.

    ``symmetry`` is the correlation of the head with its mirror image, 0…1.
    """

    normal: NDArray[np.float64]
    offset_mm: float
    symmetry: float

    def left_mm(self, points: Points) -> NDArray[np.float64]:
        """Signed distance of LPS points; positive on the patient's left."""
        return points @ self.normal - self.offset_mm


@dataclass(frozen=True, slots=True)
class _Mirror:
    """How far a head is from its mirror image, for any plane.

    A plane is ``(yaw, roll, offset)``: radians, radians, mm from ``centre``.
    """

    head: CoarseHead
    points: Points
    values: NDArray[np.float32]
    centre: NDArray[np.float64]
    image: NDArray[np.float32]
    reach: NDArray[np.float32]

    @classmethod
    def of(cls, head: CoarseHead) -> _Mirror | None:
        """Sample ``head``; ``None`` when there is too little of it."""
        inside = np.argwhere(head.head & head.scanned)
        if len(inside) < 50:
            return None
        pick = np.random.default_rng(0).permutation(len(inside))
        around = inside[pick[: min(_SAMPLES, len(inside))]]
        points = head.points(around)
        image = np.asarray(ndimage.gaussian_filter(head.hu, 1.0), np.float32)
        reach = ndimage.binary_dilation(head.scanned).astype(np.float32)
        return cls(head, points, image[tuple(around.T)], points.mean(axis=0), image, reach)

    def mismatch(self, plane: Sequence[float], every: int = 1) -> float:
        """Mean squared difference of the head and its mirror image over its variance."""
        yaw, roll, off = plane
        normal = _normal(yaw, roll)
        points, values = self.points[::every], self.values[::every]
        mirrored = points - 2.0 * ((points - self.centre) @ normal - off)[:, None] * normal
        where = self.head.index(mirrored).T
        air = float(self.image.min())
        there = ndimage.map_coordinates(self.image, where, order=1, mode="constant", cval=air)
        seen = ndimage.map_coordinates(self.reach, where, order=0, mode="constant", cval=0.0) > 0
        # A mirror image out of the scan in z says nothing; out to the side it is air.
        use = seen | (where[2] < 0) | (where[2] > self.image.shape[2] - 1)
        if use.sum() < 0.3 * len(values):
            return float("inf")
        variance = float(self.values.var()) + 1.0
        return float(np.mean((there[use] - values[use]) ** 2)) / variance

    def cost(self, plane: Sequence[float], every: int = 1) -> float:
        """The mismatch, with a little weight on a head that lies straight."""
        return self.mismatch(plane, every) + _PRIOR * (plane[0] ** 2 + plane[1] ** 2)

    def search(self) -> tuple[float, float, float]:
        """Best of a lattice over yaw, roll and offset."""
        lattice = product(
            np.radians(np.arange(-MAX_YAW_DEG, MAX_YAW_DEG + 1, 10)),
            np.radians((-20.0, -10.0, 0.0, 10.0, 20.0)),
            (-8.0, 0.0, 8.0),
        )
        return min(lattice, key=lambda plane: self.cost(plane, every=4))

    def refine(self, start: Sequence[float], angle_deg: float) -> tuple[float, float, float]:
        """Simplex from ``start`` with first steps of ``angle_deg`` and a voxel."""
        step = np.radians(angle_deg)
        moves = ((0, 0, 0), (step, 0, 0), (0, step, 0), (0, 0, STEP_MM))
        fit = optimize.minimize(
            self.cost,
            start,
            method="Nelder-Mead",
            options={
                "initial_simplex": np.array([np.add(start, move) for move in moves]),
                "xatol": 2e-3,
                "fatol": 1e-4,
                "maxfev": 140,
            },
        )
        yaw, roll = (
            float(np.clip(angle, -np.radians(most), np.radians(most)))
            for angle, most in zip(fit.x, (MAX_YAW_DEG, MAX_ROLL_DEG), strict=False)
        )
        return yaw, roll, float(fit.x[2])


def find_midplane(head: CoarseHead) -> Midplane | None:
    """Fit the plane about which the head is most symmetric.

    Yaw and roll are searched to 40° and 30°, first on a lattice, then by simplex.

    Returns:
        The plane, or ``None`` when there is no head to fit.
    """
    mirror = _Mirror.of(head)
    return None if mirror is None else _plane(mirror, mirror.refine(mirror.search(), 6.0))


def settle_midplane(head: CoarseHead, plane: Midplane, other: Midplane) -> Midplane:
    """The better of ``plane`` and what the search finds from another guess, ``other``.

    A head cut off aslant can have a false best plane; the fitted template, which knows
    what is cut off, starts near the true one.
    """
    mirror = _Mirror.of(head)
    if mirror is None:
        return plane
    x, y, z = other.normal
    yaw, roll = float(np.arctan2(y, x)), float(np.arcsin(z))
    start = (yaw, roll, other.offset_mm - float(mirror.centre @ other.normal))
    found = _plane(mirror, mirror.refine(start, 2.0))
    return found if found.symmetry > plane.symmetry else plane


def _plane(mirror: _Mirror, plane: tuple[float, float, float]) -> Midplane:
    normal = _normal(*plane[:2])
    symmetry = float(np.clip(1.0 - mirror.mismatch(plane) / 2.0, 0.0, 1.0))
    return Midplane(normal, float(mirror.centre @ normal + plane[2]), symmetry)


def _normal(yaw: float, roll: float) -> NDArray[np.float64]:
    """Unit vector to the left, turned by ``yaw`` about z and ``roll`` about y."""
    return np.array(
        [np.cos(yaw) * np.cos(roll), np.sin(yaw) * np.cos(roll), np.sin(roll)], np.float64
    )
