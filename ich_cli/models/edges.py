"""Masks that follow the edges of the picture they were drawn on.

A network draws its masks on a grid of some 3 mm; the picture that it looked at is three to
four times finer. Within windows of a few millimetres a mask is taken as a straight line of
HU, as the guided filter does (He, Sun, Tang, IEEE PAMI 2013): where blood ends at an edge so
does the mask, and where the picture is flat the mask stays as smooth as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import maximum_filter, minimum_filter, uniform_filter

from ich_cli.domain import FloatArray
from ich_cli.models.resample import Box, resample_box

NOISE_HU = 2.5
"""Steps of HU much below this are noise and move no mask."""


@dataclass(frozen=True, slots=True)
class Edges:
    """What a network saw of a stack, for its masks to follow.

    Attributes:
        hu: ``(n, y, x)`` each slice in its box, any float type.
        reach_px: Half the side of a window, in pixels of ``hu``, a slice.
    """

    hu: FloatArray
    reach_px: tuple[float, ...]

    @classmethod
    def of(
        cls, shown: Sequence[FloatArray], boxes: Sequence[Box], pixel_mm: float, reach_mm: float
    ) -> Edges:
        """Keep the ``(size, size)`` HU that were shown of ``boxes`` in slices of ``pixel_mm``."""
        size = shown[0].shape[1]
        reach = (reach_mm * size / ((box.x1 - box.x0) * pixel_mm) for box in boxes)
        return cls(np.stack([hu.astype(np.float16) for hu in shown]), tuple(reach))

    def follow(self, masks: FloatArray, seen: int) -> FloatArray:
        """Draw the masks ``(k, h, w)`` of slice ``seen`` as finely as its ``hu``."""
        return follow_edges(masks, self.hu[seen].astype(np.float32), self.reach_px[seen])


def follow_edges(masks: FloatArray, hu: FloatArray, reach_px: float) -> FloatArray:
    """Draw masks as finely as the picture.

    Args:
        masks: ``(k, h, w)`` 0…1.
        hu: ``(y, x)``, the same piece of the slice on a grid as fine or finer.
        reach_px: Half the side of a window, in pixels of ``hu``.

    Returns:
        ``(k, y, x)``; nowhere beyond what ``masks`` says within the window.
    """
    whole = Box(0.0, masks.shape[-2], 0.0, masks.shape[-1])
    smooth = resample_box(masks, whole, (hu.shape[0], hu.shape[1]))
    side = 2 * max(1, round(reach_px)) + 1

    def mean(values: ArrayLike) -> FloatArray:
        return np.asarray(uniform_filter(values, side, mode="nearest"), np.float32)

    around = mean(hu)
    spread = mean(hu * hu) - around * around + NOISE_HU**2
    out = np.empty_like(smooth)
    for plane, result in zip(smooth, out, strict=True):
        level = mean(plane)
        slope = (mean(hu * plane) - around * level) / spread
        line = mean(slope) * hu + mean(level - slope * around)
        np.clip(line, minimum_filter(plane, side), maximum_filter(plane, side), out=result)
    return out
