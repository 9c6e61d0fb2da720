"""How thick a layer of blood is within its slices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def max_thickness_mm(
    mask: NDArray[np.bool_], pixel_mm: tuple[float, float]
) -> tuple[float, int] | None:
    """Widest place of a layer: the diameter of the largest disc inside it, slice by slice.

    A caliper set across the layer in an axial slice, as it is measured by hand. The disc's
    radius is the distance to the nearest voxel outside, less half a voxel.

    Args:
        mask: ``(z, y, x)``.
        pixel_mm: ``(y, x)`` spacing.

    Returns:
        Millimetres and the slice; ``None`` without blood.
    """
    best: tuple[float, int] | None = None
    for z, plane in enumerate(mask):
        if not plane.any():
            continue
        rows, cols = np.nonzero(plane.any(axis=1))[0], np.nonzero(plane.any(axis=0))[0]
        crop = np.pad(plane[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1], 1)
        radius = float(ndimage.distance_transform_edt(crop, sampling=pixel_mm).max())
        across = 2.0 * radius - float(np.mean(pixel_mm))
        if best is None or across > best[0]:
            best = (across, z)
    return best
