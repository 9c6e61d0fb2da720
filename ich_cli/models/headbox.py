"""The square around the head that a network sees.

It is found on Hounsfield units clipped to 0…80, so that full-range DICOM and pictures
exported in a brain window give the same square.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ich_cli.domain import FloatArray
from ich_cli.models.resample import Box

TISSUE_HU = 12.0
"""Above water and noise, below brain; skull and brain are above it, fat and air below."""

MARGIN = 1.06
MIN_SIDE_MM = 120.0
"""A vertex slice is not blown up beyond this."""


def head_box(hu: FloatArray, pixel_mm: tuple[float, float]) -> Box:
    """Find the square of the head in one slice.

    Args:
        hu: ``(y, x)`` Hounsfield units.
        pixel_mm: ``(y, x)`` spacing.

    Returns:
        A square in millimetres around the largest piece of tissue, at least
        ``MIN_SIDE_MM`` wide; the whole image's centre square when there is no tissue.
    """
    step = max(1, min(hu.shape) // 128)
    small = _block_mean(np.clip(hu, 0.0, 80.0), step)
    tissue = ndimage.binary_opening(small > TISSUE_HU, iterations=1)
    labels, count = ndimage.label(tissue)
    if count == 0:
        y0, y1, x0, x1 = 0.0, float(hu.shape[0]), 0.0, float(hu.shape[1])
    else:
        sizes = np.bincount(labels.ravel())
        sizes[0] = 0
        ys, xs = np.nonzero(labels == int(sizes.argmax()))
        y0, y1 = float(ys.min() * step), float((ys.max() + 1) * step)
        x0, x1 = float(xs.min() * step), float((xs.max() + 1) * step)
    side_mm = max((y1 - y0) * pixel_mm[0], (x1 - x0) * pixel_mm[1]) * MARGIN
    side_mm = max(side_mm, MIN_SIDE_MM)
    half_y, half_x = side_mm / pixel_mm[0] / 2, side_mm / pixel_mm[1] / 2
    cy, cx = (y0 + y1) / 2, (x0 + x1) / 2
    return Box(cy - half_y, cy + half_y, cx - half_x, cx + half_x)


def _block_mean(image: FloatArray, step: int) -> FloatArray:
    """Mean over ``step × step`` blocks; the ragged rim is dropped."""
    if step == 1:
        return image
    rows, cols = image.shape[0] // step, image.shape[1] // step
    blocks = image[: rows * step, : cols * step].reshape(rows, step, cols, step)
    return np.asarray(blocks.mean(axis=(1, 3)), np.float32)
