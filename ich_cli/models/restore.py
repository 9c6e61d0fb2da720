"""A whole stack's masks on the input's own grid, in memory only where there is something."""

from __future__ import annotations

import numpy as np

from ich_cli.domain import LABELS, FloatArray
from ich_cli.models.resample import Box, restore_box

MASK_FLOOR = 0.01
"""Mask probabilities below are written as 0: far below any threshold, and untouched pages
of a zeroed array take no memory, so that 300 slices of 512² do not need 1.9 GB."""


def empty_masks(shape: tuple[int, int, int]) -> FloatArray:
    """Zeros ``(z, 6, y, x)`` for a stack of ``shape``; the system gives memory as it is used."""
    return np.zeros((shape[0], len(LABELS), *shape[1:]), np.float32)


def write_mask(masks: FloatArray, first: int, last: int, probs: FloatArray, box: Box) -> None:
    """Put one seen slice's mask on each of the slices ``first … last − 1`` that it stands for.

    Args:
        masks: ``(z, 6, y, x)``, written in place.
        first: The first slice.
        last: One after the last slice.
        probs: ``(6, h, w)`` probabilities over ``box``.
        box: Where in the slice the network looked.
    """
    size = masks.shape[2], masks.shape[3]
    active = np.flatnonzero(probs.max(axis=(1, 2)) >= MASK_FLOOR)
    for channel, restored in zip(active, restore_box(probs[active], box, size), strict=True):
        rows = np.flatnonzero(restored.max(axis=1) >= MASK_FLOOR)
        if rows.size == 0:
            continue
        band = slice(rows[0], rows[-1] + 1)
        kept = np.where(restored[band] >= MASK_FLOOR, restored[band], np.float32(0))
        masks[first:last, channel, band] = np.minimum(kept, np.float32(1))


def restore_heat(
    cams: FloatArray, boxes: list[Box], of_slice: tuple[int, ...], size: tuple[int, int]
) -> FloatArray:
    """Class-activation maps on the stack's own grid, scaled to 0…1 over the whole stack.

    Args:
        cams: ``(n, h, w)``, one a seen slice.
        boxes: Where the network looked, one a seen slice.
        of_slice: For each slice of the stack, the seen slice that stands for it.
        size: ``(y, x)`` of the stack.

    Returns:
        ``(z, y, x)``; all zero when the maps are flat.
    """
    low, high = float(cams.min()), float(cams.max())
    scaled = (cams - low) / max(high - low, 1e-12)
    heat = np.zeros((len(of_slice), *size), np.float32)
    for z, seen in enumerate(of_slice):
        heat[z] = np.clip(restore_box(scaled[seen], boxes[seen], size), 0.0, 1.0)
    return heat
