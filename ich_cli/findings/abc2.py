"""The bedside estimate A·B·C/2, for comparison with the measured volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import spatial

MIN_SOLIDITY = 0.8
"""Area over convex area below which a bleed is no ellipsoid."""


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """A, B and C in millimetres, and the slice A and B were read on."""

    a_mm: float
    b_mm: float
    c_mm: float
    slice_index: int

    @property
    def ml(self) -> float:
        """A·B·C/2 in millilitres."""
        return self.a_mm * self.b_mm * self.c_mm / 2000.0


def abc2(
    mask: NDArray[np.bool_], pixel_mm: tuple[float, float], slice_mm: NDArray[np.float64]
) -> Ellipsoid | None:
    """ABC/2 of one compact bleed (Kothari et al., Stroke 1996; 27:1304–1305).

    A is the largest diameter on the slice with the largest area, B the largest extent at
    right angles to A on that slice, C the summed length of slices: one whose area is over
    75 % of the largest counts fully, 25–75 % by half, under 25 % not at all.

    Args:
        mask: ``(z, y, x)`` of one connected bleed.
        pixel_mm: ``(y, x)`` spacing.
        slice_mm: ``(z,)`` length each slice stands for.

    Returns:
        ``None`` when the bleed is not compact on its largest slice, where the formula
        does not hold.
    """
    area = mask.sum(axis=(1, 2)).astype(np.float64)
    if area.max(initial=0.0) < 6:
        return None
    z = int(area.argmax())
    corners = _corners(mask[z], pixel_mm)
    try:
        hull = spatial.ConvexHull(corners)
    except spatial.QhullError:
        return None
    if area[z] * pixel_mm[0] * pixel_mm[1] < MIN_SOLIDITY * hull.volume:
        return None
    rim = corners[hull.vertices]
    offsets = rim[:, None] - rim[None]
    length = np.hypot(offsets[..., 0], offsets[..., 1])
    i, j = np.unravel_index(int(length.argmax()), length.shape)
    along = offsets[i, j] / length[i, j]
    across = rim @ np.array([-along[1], along[0]])
    share = area / area[z]
    weight = np.where(share > 0.75, 1.0, np.where(share >= 0.25, 0.5, 0.0))
    return Ellipsoid(float(length[i, j]), float(np.ptp(across)), float(weight @ slice_mm), z)


def _corners(plane: NDArray[np.bool_], pixel_mm: tuple[float, float]) -> NDArray[np.float64]:
    """Corners in millimetres of the outermost voxels of every row."""
    points = []
    for y in np.nonzero(plane.any(axis=1))[0]:
        xs = np.nonzero(plane[y])[0]
        points += [(y + dy, x) for x in (xs[0], xs[-1] + 1) for dy in (0, 1)]
    return np.asarray(np.array(points, np.float64) * np.asarray(pixel_mm), np.float64)
