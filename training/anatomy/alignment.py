"""Label maps brought to the template's space: landmarks, affine fits, the template's grid.

The fits go by structure centroids and by the hemispheres' outermost points, starting from the
centroids' usual MNI coordinates, so that lobe borders can be drawn by rules in those coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from training.anatomy.label_map import PAIRS, LabelMap

STEP_MM = 2.0
LOW = np.array([-100.0, -122.0, -96.0])
HIGH = np.array([100.0, 122.0, 108.0])
"""Bounds of the template in LPS-MNI millimetres: x to the left, y to the back, z up."""

MNI_LPS: dict[int, tuple[float, float, float]] = {
    10: (11, 18, 8), 11: (13, -11, 10), 12: (25, -2, 0), 13: (19, 4, -1), 17: (26, 22, -14),
    18: (23, 4, -19), 16: (0, 29, -33), 15: (0, 46, -33), 14: (0, 13, 0), 8: (25, 64, -36),
    7: (17, 57, -35),
}  # fmt: skip
"""Usual centroids (left side) in MNI space, LPS signs."""

EDGES = ("edgeL", "edgeR", "edgeA", "edgeP", "edgeS")
"""Outermost points of the cerebrum: left, right, anterior, posterior, superior."""


@dataclass(frozen=True)
class Shape:
    """What the alignment needs of a head: centroids by label, and points of the cerebrum."""

    centroids: dict[str, NDArray[np.float64]]
    cerebrum: NDArray[np.float64]

    @classmethod
    def of(cls, head: LabelMap) -> Shape:
        """Measure ``head``."""
        right = dict(PAIRS)
        found: dict[str, NDArray[np.float64]] = {}
        boxes = ndimage.find_objects(head.labels)
        for value in MNI_LPS:
            for name, one in (("l", value), ("r", right.get(value))):
                box = boxes[one - 1] if one is not None else None
                if box is not None:
                    index = np.argwhere(head.labels[box] == one) + [s.start for s in box]
                    found[f"{name}{value}"] = head.origin_mm + index.mean(axis=0)[::-1]
        thin = head.labels[::3, ::3, ::3]
        index = 3 * np.argwhere(np.isin(thin, (2, 3, 41, 42)))
        return cls(found, head.origin_mm + index[:, ::-1])


def landmarks(shape: Shape, fit: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Centroids of structures and outermost points of the cerebrum, in the head's LPS."""
    found = dict(shape.centroids)
    there = shape.cerebrum @ fit[:3, :3].T + fit[:3, 3]
    for axis, sign, name in ((0, 1, "L"), (0, -1, "R"), (1, -1, "A"), (1, 1, "P"), (2, 1, "S")):
        reach = there[:, axis] * sign
        found[f"edge{name}"] = shape.cerebrum[reach >= np.quantile(reach, 0.995)].mean(axis=0)
    return found


def fit_affine(
    source: dict[str, NDArray[np.float64]], target: dict[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Least-squares affine 4 × 4 that takes ``source`` landmarks to ``target``."""
    names = sorted(set(source) & set(target))
    a = np.array([[*source[n], 1.0] for n in names])
    b = np.array([target[n] for n in names])
    matrix = np.eye(4)
    for axis, edges in enumerate((("edgeL", "edgeR"), ("edgeA", "edgeP"), ("edgeS",))):
        # An outermost point is sharp only along its own axis.
        use = [not n.startswith("edge") or n in edges for n in names]
        weight = np.array([2.0 if n in edges else 1.0 for n in names])[use]
        solution, *_ = np.linalg.lstsq(a[use] * weight[:, None], b[use, axis] * weight, rcond=None)
        matrix[axis] = solution
    return matrix


def common_landmarks() -> dict[str, NDArray[np.float64]]:
    """Where to start: the centroids' usual places."""
    start = {}
    for value, (x, y, z) in MNI_LPS.items():
        start[f"l{value}"] = np.array([x, y, z], np.float64)
        if value in dict(PAIRS):
            start[f"r{value}"] = np.array([-x, y, z], np.float64)
    return start


def align(heads: list[LabelMap], rounds: int = 4) -> tuple[list[NDArray[np.float64]], dict]:
    """Affines head → template, and the template's landmarks (symmetric by construction)."""
    target = common_landmarks()
    fits = [np.eye(4)] * len(heads)
    shapes = [Shape.of(head) for head in heads]
    for _ in range(rounds):
        marks = [landmarks(shape, fit) for shape, fit in zip(shapes, fits, strict=True)]
        fits = [fit_affine(mark, target) for mark in marks]
        moved = [
            {n: fit[:3, :3] @ p + fit[:3, 3] for n, p in mark.items()}
            for mark, fit in zip(marks, fits, strict=True)
        ]
        edges = {n for mark in moved for n in mark if n.startswith("edge")}
        means = {n: np.mean([m[n] for m in moved], axis=0) for n in edges}
        target = common_landmarks() | means
    return fits, target


def align_one(shape: Shape, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Affine of one head to a finished template with outermost points ``edges``."""
    target = common_landmarks() | dict(zip(EDGES, edges, strict=True))
    fit = fit_affine(shape.centroids, target)
    for _ in range(3):
        fit = fit_affine(landmarks(shape, fit), target)
    return fit


def grid(step: float) -> tuple[NDArray[np.float64], tuple[int, int, int]]:
    """Template points ``(n, 3)`` and shape ``(z, y, x)``; symmetric about ``x = 0``."""
    shape = tuple(int(n) for n in (np.floor((HIGH - LOW) / step) + 1)[::-1])
    index = np.indices(shape).reshape(3, -1).T[:, ::-1]
    return LOW + step * index, shape


def warp(
    head: LabelMap, fit: NDArray[np.float64], points: NDArray[np.float64], fill: int
) -> NDArray[np.int16]:
    """Labels of ``head`` at template ``points``, nearest voxel."""
    own = (points - fit[:3, 3]) @ np.linalg.inv(fit[:3, :3]).T
    index = np.round(own - head.origin_mm).astype(np.int32)[:, ::-1]
    inside = np.all((index >= 0) & (index < head.labels.shape), axis=1)
    out = np.full(len(points), fill, np.int16)
    out[inside] = head.labels[tuple(index[inside].T)]
    return out
