"""Separable linear resampling of slices as two products with sparse matrices.

Anti-aliased when it shrinks (a triangle filter as wide as the output pixel), and its
geometry is explicit: a *box* in input pixels maps onto the whole output. Outside the
input the value is ``fill``. The few weights a pixel has make it faster than dense
products, and leave BLAS and its threads, which would compete with the network's, alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.sparse import csr_array

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
    rows = _weights(image.shape[-2], box.y0, box.y1, size[0])
    cols = _weights(image.shape[-1], box.x0, box.x1, size[1])
    planes = (image - np.float32(fill) if fill else image).reshape(-1, *image.shape[-2:])
    out = np.empty((len(planes), *size), np.float32)
    for plane, result in zip(planes, out, strict=True):
        # The order that leaves less to transpose.
        if size[0] <= image.shape[-2]:
            result[:] = (cols @ np.ascontiguousarray((rows @ plane).T)).T
        else:
            result[:] = rows @ np.ascontiguousarray((cols @ np.ascontiguousarray(plane.T)).T)
    if fill:
        out += np.float32(fill)
    return out.reshape(*image.shape[:-2], *size)


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
def _weights(n_in: int, start: float, stop: float, n_out: int) -> csr_array:
    """``(n_out, n_in)`` triangle-filter weights; the share outside the input is left out."""
    step = (stop - start) / n_out
    support = max(step, 1.0)
    centres = start + (np.arange(n_out) + 0.5) * step
    taps = np.arange(int(np.ceil(2 * support)) + 2)
    pixels = np.floor(centres - support).astype(np.int64)[:, None] + taps
    weights = np.clip(1.0 - np.abs(pixels + 0.5 - centres[:, None]) / support, 0.0, None)
    weights /= weights.sum(axis=1, keepdims=True)
    used = (pixels >= 0) & (pixels < n_in) & (weights > 0)
    at = np.nonzero(used)[0], pixels[used]
    return csr_array((weights[used].astype(np.float32), at), shape=(n_out, n_in))
