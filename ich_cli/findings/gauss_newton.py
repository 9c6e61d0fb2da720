"""Gauss-Newton steps of an affine fit: robust least squares on two windows of the image.

Lucas & Kanade 1981 in three dimensions: the template's gradient at each mapped point says
how the difference would change with each of the twelve numbers; a damped normal equation
is solved, residuals beyond a few times the usual weigh less (Huber 1964).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ich_cli.domain import FloatArray
from ich_cli.findings.atlas import Atlas
from ich_cli.findings.coarse import BRAIN_WINDOW, HEAD_WINDOW, CoarseHead
from ich_cli.findings.geometry import Points

LEVELS = ((2.0, 3000, 10), (0.8, 8000, 14))
"""Smoothing in voxels, points, and at most so many steps."""

HEAD_SCALE_HU, BRAIN_SCALE_HU = 100.0, 10.0
"""Differences that count alike in either window."""

BRAIN_WEIGHT = 1.0

HUBER = 1.2
_DAMPING = 1e-3
_STILL_MM = 0.05
_ARM_MM = 50.0
"""Lever by which a change of the matrix is weighed against a shift."""


def converge(
    head: CoarseHead, rim: NDArray[np.bool_], start: NDArray[np.float64], atlas: Atlas
) -> NDArray[np.float64]:
    """Improve ``start`` (4 × 4, patient → template LPS) over the voxels of ``rim``."""
    matrix: NDArray[np.float64] = np.array(start, np.float64)
    index = np.argwhere(rim)
    rng = np.random.default_rng(0)
    for sigma, count, steps in LEVELS:
        pick = index[rng.permutation(len(index))[:count]]
        points = head.points(pick)
        pairs = [
            (
                _values(head.hu, sigma, pick) / HEAD_SCALE_HU,
                _Window(atlas.head, sigma, HEAD_WINDOW[0], HEAD_SCALE_HU),
            ),
            (
                _values(head.brain, sigma, pick) / BRAIN_SCALE_HU,
                _Window(atlas.brain, sigma, BRAIN_WINDOW[0], BRAIN_SCALE_HU),
            ),
        ]
        for _ in range(steps):
            if _step(matrix, points, pairs, atlas) < _STILL_MM:
                break
    return matrix


class _Window:
    """One smoothed template image with its gradient per millimetre."""

    def __init__(self, image: FloatArray, sigma: float, outside: float, scale: float) -> None:
        self.image = ndimage.gaussian_filter(image, sigma) / np.float32(scale)
        self.outside = outside / scale
        self.slopes = [np.gradient(self.image, axis=axis) for axis in (2, 1, 0)]

    def at(
        self, where: NDArray[np.float64], step_mm: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Values ``(n,)`` and gradients ``(n, 3)`` at template indices ``(3, n)``."""
        value = ndimage.map_coordinates(
            self.image, where, order=1, mode="constant", cval=self.outside
        )
        slope = [ndimage.map_coordinates(s, where, order=1, mode="constant") for s in self.slopes]
        rise = np.stack(slope, axis=1).astype(np.float64) / step_mm
        return np.asarray(value, np.float64), np.asarray(rise, np.float64)


def _values(image: FloatArray, sigma: float, pick: NDArray[np.intp]) -> NDArray[np.float64]:
    calm: FloatArray = ndimage.gaussian_filter(image, sigma)
    return np.asarray(calm[tuple(pick.T)], np.float64)


def _step(
    matrix: NDArray[np.float64],
    points: Points,
    pairs: list[tuple[NDArray[np.float64], _Window]],
    atlas: Atlas,
) -> float:
    """One damped step in place; returns the largest change in millimetres."""
    centre = points.mean(axis=0)
    arms = np.c_[(points - centre) / _ARM_MM, np.ones(len(points))]
    there = points @ matrix[:3, :3].T + matrix[:3, 3]
    where = ((there - atlas.origin_mm) / atlas.head_step_mm)[:, ::-1].T
    seen = ndimage.map_coordinates(atlas.seen.astype(np.float32), where, order=0, mode="nearest")
    known = ((seen > 0.5) | (where[0] > 0)).astype(np.float64)
    normal = np.eye(12) * 1e-6 * len(points)
    right = np.zeros(12)
    for (values, window), share in zip(pairs, (1.0, BRAIN_WEIGHT), strict=True):
        image, slope = window.at(where, atlas.head_step_mm)
        rest = image - values
        weight = share * known / np.maximum(1.0, np.abs(rest) / HUBER)
        jacobian = (slope[:, :, None] * arms[:, None, :]).reshape(len(points), 12)
        normal += (jacobian * weight[:, None]).T @ jacobian
        right += jacobian.T @ (weight * rest)
    normal += np.diag(np.diag(normal)) * _DAMPING
    change = -np.linalg.solve(normal, right).reshape(3, 4)
    linear = change[:, :3] / _ARM_MM
    matrix[:3, :3] += linear
    matrix[:3, 3] += change[:, 3] - linear @ centre
    return float(np.abs(change).max())
