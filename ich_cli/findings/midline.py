"""The patient's own mid-sagittal plane, from the symmetry of skull and skin.

A mass shifts the brain but not the skull, so the plane rests on bone and contour. It is
found in LPS millimetres; how the arrays were stored does not enter.
"""

from __future__ import annotations

from dataclasses import dataclass

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


def find_midplane(head: CoarseHead) -> Midplane | None:
    """Fit the plane about which the head is most symmetric.

    Yaw and roll are searched to 40° and 30°, first on a lattice, then by simplex.

    Returns:
        The plane, or ``None`` when there is no head to fit.
    """
    inside = np.argwhere(head.head & head.scanned)
    if len(inside) < 50:
        return None
    pick = np.random.default_rng(0).permutation(len(inside))
    around = inside[pick[: min(_SAMPLES, len(inside))]]
    points = head.points(around)
    centre = points.mean(axis=0)
    image = ndimage.gaussian_filter(head.hu, 1.0)
    reach = ndimage.binary_dilation(head.scanned).astype(np.float32)
    values = image[tuple(around.T)]
    variance = float(values.var()) + 1.0

    def mismatch(p: Points, v: NDArray[np.float32], yaw: float, roll: float, off: float) -> float:
        normal = _normal(yaw, roll)
        mirrored = p - 2.0 * ((p - centre) @ normal - off)[:, None] * normal
        where = head.index(mirrored).T
        there = ndimage.map_coordinates(image, where, order=1, mode="constant", cval=image.min())
        seen = ndimage.map_coordinates(reach, where, order=0, mode="constant", cval=0.0) > 0
        # A mirror image out of the scan in z says nothing; out to the side it is air.
        beyond = (where[2] < 0) | (where[2] > head.hu.shape[2] - 1)
        use = seen | beyond
        if use.sum() < 0.3 * len(v):
            return float("inf")
        error = float(np.mean((there[use] - v[use]) ** 2)) / variance
        return error + _PRIOR * (yaw * yaw + roll * roll)

    few = slice(None, None, 4)
    start = min(
        (
            (mismatch(points[few], values[few], yaw, roll, off), (yaw, roll, off))
            for yaw in np.radians(np.arange(-MAX_YAW_DEG, MAX_YAW_DEG + 1, 10))
            for roll in np.radians((-20.0, -10.0, 0.0, 10.0, 20.0))
            for off in (-8.0, 0.0, 8.0)
        ),
        key=lambda item: item[0],
    )[1]
    step = np.radians(6.0)
    simplex = np.array(
        [start, *(np.add(start, d) for d in ((step, 0, 0), (0, step, 0), (0, 0, STEP_MM)))]
    )
    fit = optimize.minimize(
        lambda q: mismatch(points, values, *q),
        start,
        method="Nelder-Mead",
        options={"initial_simplex": simplex, "xatol": 2e-3, "fatol": 1e-4, "maxfev": 140},
    )
    yaw, roll, off = (float(v) for v in fit.x)
    normal = _normal(
        float(np.clip(yaw, -np.radians(MAX_YAW_DEG), np.radians(MAX_YAW_DEG))),
        float(np.clip(roll, -np.radians(MAX_ROLL_DEG), np.radians(MAX_ROLL_DEG))),
    )
    error = mismatch(points, values, yaw, roll, off) - _PRIOR * (yaw * yaw + roll * roll)
    symmetry = float(np.clip(1.0 - error / 2.0, 0.0, 1.0))
    return Midplane(normal, float(centre @ normal + off), symmetry)


def _normal(yaw: float, roll: float) -> NDArray[np.float64]:
    """Unit vector to the left, turned by ``yaw`` about z and ``roll`` about y."""
    return np.array(
        [np.cos(yaw) * np.cos(roll), np.sin(yaw) * np.cos(roll), np.sin(roll)], np.float64
    )
