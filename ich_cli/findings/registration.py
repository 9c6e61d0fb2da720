"""Affine fit of a patient's head to the template.

Skull, skin and air carry the fit, fluid against brain helps it inside; blood is cut to
brain. The patient's mid-sagittal plane fixes three of the twelve numbers beforehand; a
lattice search over nodding, height, depth and size finds the neighbourhood; Gauss-Newton
steps converge; SimpleITK's registration has the last word where it does better.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK
from numpy.typing import NDArray
from scipy import ndimage

from ich_cli.findings.atlas import Atlas
from ich_cli.findings.coarse import HEAD_WINDOW, STEP_MM, CoarseHead
from ich_cli.findings.gauss_newton import converge
from ich_cli.findings.geometry import Points
from ich_cli.findings.midline import Midplane

toolkit: Any = SimpleITK
# Its Python layer is only partly typed.

MIN_SCORE = 0.75
"""Correlation of head and template below which places are not named."""

SCALES = (0.7, 1.6)
"""Stretch of any axis outside which the fit cannot be a head."""

MIN_SCANNED_MM = 40.0
"""Less of the head than this in height does not hold the template in place."""

NECK_MM = -50.0
"""Template height below which heads differ by posture more than by fit."""

_MARGIN = 4
_SEARCH_POINTS = 700
_ITERATIONS = 20


@dataclass(frozen=True, slots=True)
class Fit:
    """Where the template lies.

    Attributes:
        matrix: 4 × 4, patient LPS → template LPS.
        score: Correlation of clipped HU over the scanned head and its rim, 0…1.
        good: Whether places may be named by it.
    """

    matrix: NDArray[np.float64]
    score: float
    good: bool

    def to_template(self, points: Points) -> Points:
        """Template LPS of patient LPS points."""
        return np.asarray(points @ self.matrix[:3, :3].T + self.matrix[:3, 3], np.float64)


def fit_template(head: CoarseHead, plane: Midplane, atlas: Atlas) -> Fit:
    """Fit ``atlas`` to ``head``: search in the patient's own plane, then all twelve numbers."""
    rim = ndimage.binary_dilation(head.head, iterations=_MARGIN) & head.scanned
    near = converge(head, rim, _search(head, rim, plane, atlas), atlas)
    candidates = (near, _polish(head, rim, near, atlas))
    scores = [_score(head, rim, matrix, atlas) for matrix in candidates]
    best = int(np.argmax(scores))
    stretch = np.linalg.svd(candidates[best][:3, :3], compute_uv=False)
    heights = head.points(np.argwhere(head.head & head.scanned))[:, 2]
    good = (
        scores[best] >= MIN_SCORE
        and bool(np.all((stretch > SCALES[0]) & (stretch < SCALES[1])))
        and float(np.ptp(heights)) >= MIN_SCANNED_MM
    )
    return Fit(candidates[best], scores[best], good)


def _frame(head: CoarseHead, plane: Midplane) -> tuple[NDArray[np.float64], Points]:
    """Rotation whose rows are the head's left, back and up, and a point of the plane."""
    left = plane.normal
    up = np.array([0.0, 0.0, 1.0]) - left[2] * left
    up /= np.linalg.norm(up)
    rows = np.stack([left, np.cross(up, left), up])
    centre = head.points(np.argwhere(head.head)).mean(axis=0)
    return rows, centre - (centre @ left - plane.offset_mm) * left


def _search(
    head: CoarseHead, rim: NDArray[np.bool_], plane: Midplane, atlas: Atlas
) -> NDArray[np.float64]:
    """Best of a lattice over nodding, height, depth and size."""
    rows, centre = _frame(head, plane)
    index = np.argwhere(rim)
    index = index[np.random.default_rng(0).permutation(len(index))[:_SEARCH_POINTS]]
    values = ndimage.gaussian_filter(head.hu, 1.0)[tuple(index.T)]
    own = (head.points(index) - centre) @ rows.T
    smooth = ndimage.gaussian_filter(atlas.head, 1.0)
    seen = atlas.seen.astype(np.float32)
    best = (np.inf, np.eye(4))
    for degrees in (0, -10, 10, -20, 20, -30, 30):
        nod = _nod(np.radians(degrees))
        for size in (1.0, 1.1):
            turned = own @ nod.T * size
            for dz in range(-80, 81, 10):
                for dy in range(-30, 31, 10):
                    error = _error(turned + np.array([0.0, dy, dz]), values, smooth, seen, atlas)
                    if error < best[0]:
                        matrix = np.eye(4)
                        matrix[:3, :3] = size * nod @ rows
                        matrix[:3, 3] = (0.0, dy, dz) - matrix[:3, :3] @ centre
                        best = (error, matrix)
    return best[1]


def _nod(angle: float) -> NDArray[np.float64]:
    """Rotation about the left-right axis."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def _error(
    points: Points,
    values: NDArray[np.float32],
    smooth: NDArray[np.float32],
    seen: NDArray[np.float32],
    atlas: Atlas,
) -> float:
    """Mean squared difference where the template is known; what falls below it costs."""
    where = ((points - atlas.origin_mm) / atlas.head_step_mm)[:, ::-1].T
    there = ndimage.map_coordinates(smooth, where, order=1, mode="constant", cval=HEAD_WINDOW[0])
    known = (ndimage.map_coordinates(seen, where, order=0, mode="nearest") > 0.5) | (where[0] > 0)
    missing = 1.0 - float(known.mean())
    if missing > 0.7:
        return float("inf")
    return float(np.mean((there[known] - values[known]) ** 2)) * (1.0 + missing)


def _polish(
    head: CoarseHead, rim: NDArray[np.bool_], start: NDArray[np.float64], atlas: Atlas
) -> NDArray[np.float64]:
    """Affine registration by mean squares, from ``start``; ``start`` when it fails."""
    fixed = _image(ndimage.gaussian_filter(head.hu, 0.7), head.origin_mm, STEP_MM)
    moving = _image(ndimage.gaussian_filter(atlas.head, 0.7), atlas.origin_mm, atlas.head_step_mm)
    transform = toolkit.AffineTransform(3)
    centre = head.points(np.argwhere(rim)).mean(axis=0)
    transform.SetCenter(centre.tolist())
    transform.SetMatrix(start[:3, :3].ravel().tolist())
    transform.SetTranslation((start[:3, :3] @ centre + start[:3, 3] - centre).tolist())
    method = toolkit.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)
    method.SetMetricAsMeanSquares()
    method.SetMetricFixedMask(_image(rim.astype(np.uint8), head.origin_mm, STEP_MM))
    seen = _image(atlas.seen.astype(np.uint8), atlas.origin_mm, atlas.head_step_mm)
    method.SetMetricMovingMask(seen)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(0.2, 1)
    method.SetInterpolator(toolkit.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(0.5, 0.02, _ITERATIONS, 0.6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(transform, inPlace=True)
    try:
        method.Execute(fixed, moving)
    except RuntimeError:
        # ITK raises when too few samples map into the template.
        return start
    linear = np.asarray(transform.GetMatrix()).reshape(3, 3)
    matrix = np.eye(4)
    matrix[:3, :3] = linear
    matrix[:3, 3] = centre + np.asarray(transform.GetTranslation()) - linear @ centre
    return matrix


def _score(
    head: CoarseHead, rim: NDArray[np.bool_], matrix: NDArray[np.float64], atlas: Atlas
) -> float:
    """Correlation of head and template where both are known, face and neck left out."""
    index = np.argwhere(rim)[::3]
    there = head.points(index) @ matrix[:3, :3].T + matrix[:3, 3]
    where = ((there - atlas.origin_mm) / atlas.head_step_mm)[:, ::-1].T
    outside = HEAD_WINDOW[0]
    template = ndimage.map_coordinates(atlas.head, where, order=1, mode="constant", cval=outside)
    seen = ndimage.map_coordinates(atlas.seen.astype(np.float32), where, order=0, mode="nearest")
    known = (seen > 0.5) & (there[:, 2] > NECK_MM)
    known |= there[:, 2] > 0
    if known.sum() < 100:
        return 0.0
    pair = np.corrcoef(head.hu[tuple(index[known].T)], template[known])
    return float(np.clip(np.nan_to_num(pair[0, 1]), 0.0, 1.0))


def _image(array: NDArray[np.float32] | NDArray[np.uint8], origin: Points, step: float) -> Any:
    image = toolkit.GetImageFromArray(array)
    image.SetOrigin(np.asarray(origin, np.float64).tolist())
    image.SetSpacing((step, step, step))
    return image
