"""How thick a layer of blood is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

COARSE_MM = 0.8
"""Pixels are taken at about this distance; finer ones cost time and give nothing."""


def max_thickness_mm(
    mask: NDArray[np.bool_], pixel_mm: tuple[float, float], spacing_mm: float
) -> tuple[float, int] | None:
    """Widest place of a layer: the diameter of the largest ball inside it.

    In a slice that cuts a layer at right angles this is the caliper set across it. Near
    the vertex, where slices run along the skull, the neighbouring slices keep it from
    taking the layer's spread for its thickness. Above the highest and below the lowest
    slice the layer is taken to go on. The ball's radius is the distance to the nearest
    voxel outside, less half a pixel.

    Args:
        mask: ``(z, y, x)``.
        pixel_mm: ``(y, x)`` spacing.
        spacing_mm: Between slices.

    Returns:
        Millimetres and the slice; ``None`` without blood.
    """
    if not mask.any():
        return None
    every = max(1, round(COARSE_MM / max(pixel_mm)))
    thin = np.pad(mask[:, ::every, ::every], ((0, 0), (1, 1), (1, 1)))
    if not thin.any():
        thin, every = np.pad(mask, ((0, 0), (1, 1), (1, 1))), 1
    step = (spacing_mm, pixel_mm[0] * every, pixel_mm[1] * every)
    radius = ndimage.distance_transform_edt(thin, sampling=step)
    z = int(radius.max(axis=(1, 2)).argmax())
    return max(0.0, 2.0 * float(radius.max()) - float(np.mean(step[1:]))), z
