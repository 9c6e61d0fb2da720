"""Separable linear resampling of slices as two matrix products.

Fast (BLAS), vectorised over slices, anti-aliased when it shrinks (a triangle filter as
wide as the output pixel), and its geometry is explicit: a *box* in input pixels maps
onto the whole output. Outside the input the value is ``fill``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ich_cli.domain import FloatArray


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in continuous pixel edges: ``[y0, y1) × [x0, x1)``; may leave the image."""

    y0: float
    y1: float
    x0: float
    x1: float


def resample_box(
    image: FloatArray, box: Box, size: tuple[int, int], fill: float = 0.0
) -> FloatArray:
    """Resample ``box`` of ``image`` ``(…, y, x)`` to ``(…, size[0], size[1])``."""
    rows, in_rows = _weights(image.shape[-2], box.y0, box.y1, size[0])
    cols, in_cols = _weights(image.shape[-1], box.x0, box.x1, size[1])
    inside = image[..., in_rows, in_cols] - np.float32(fill)
    out = np.matmul(np.matmul(rows, inside), cols.T)
    return np.asarray(out + np.float32(fill), np.float32)


def restore_box(
    image: FloatArray, box: Box, size: tuple[int, int], fill: float = 0.0
) -> FloatArray:
    """Put ``image`` ``(…, h, w)``, made from ``box``, back on a grid of ``size``; else ``fill``."""
    scale_y = image.shape[-2] / (box.y1 - box.y0)
    scale_x = image.shape[-1] / (box.x1 - box.x0)
    back = Box(
        y0=-box.y0 * scale_y,
        y1=(size[0] - box.y0) * scale_y,
        x0=-box.x0 * scale_x,
        x1=(size[1] - box.x0) * scale_x,
    )
    return resample_box(image, back, size, fill)


@lru_cache(maxsize=16)
def _weights(n_in: int, start: float, stop: float, n_out: int) -> tuple[FloatArray, slice]:
    """Triangle-filter weights ``(n_out, m)`` and the ``m`` input pixels that have any.

    The share of a filter that lies outside the input stays zero.
    """
    step = (stop - start) / n_out
    support = max(step, 1.0)
    centres = start + (np.arange(n_out) + 0.5) * step
    margin = int(np.ceil(support)) + 1
    first = min(0, int(np.floor(start))) - margin
    last = max(n_in, int(np.ceil(stop))) + margin
    pixels = np.arange(first, last) + 0.5
    weights = np.clip(1.0 - np.abs(pixels[None, :] - centres[:, None]) / support, 0.0, None)
    weights /= weights.sum(axis=1, keepdims=True)
    inside = weights[:, -first : n_in - first]
    used = np.flatnonzero(inside.any(axis=0))
    band = slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0, 0)
    return np.ascontiguousarray(inside[:, band], np.float32), band
