"""From Hounsfield units to the tensor that a card describes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from ich_cli.domain import FloatArray
from ich_cli.models.card_parts import InputSpec
from ich_cli.models.headbox import head_box
from ich_cli.models.resample import Box, resample_box

AIR_HU = -1000.0
METAL_HU = 3071.0
"""The largest value that 12-bit CT stores; brighter is metal all the same."""


def clean(hu: FloatArray) -> FloatArray:
    """Padding, infinities and missing values become air or metal."""
    # Of a number and a NaN, fmax takes the number.
    known = np.fmax(np.asarray(hu, np.float32), np.float32(AIR_HU))
    return np.asarray(np.fmin(known, np.float32(METAL_HU)), np.float32)


def seen_hu(tensor: FloatArray, spec: InputSpec) -> FloatArray:
    """``(size, size)`` HU of the slice itself, as far as its first window shows them.

    Args:
        tensor: Of :func:`tensors`, ``(c, size, size)``.
        spec: The card's ``input``, with 0 among ``slices``.
    """
    centre, width = spec.windows[0]
    shown = tensor[spec.slices.index(0) * len(spec.windows)] * spec.std[0] + spec.mean[0]
    return np.asarray(shown * width + (centre - width / 2), np.float32)


def neighbour_step(spacing_mm: float, spec: InputSpec) -> int:
    """How many slices away a slice's neighbour is.

    With ``spec.neighbour_mm`` it is the slice nearest to that distance, at least the
    adjacent one.
    """
    return 1 if spec.neighbour_mm is None else max(1, round(spec.neighbour_mm / spacing_mm))


def whole_image_box(shape: tuple[int, int], pixel_mm: tuple[float, float]) -> Box:
    """The smallest square in millimetres, on the image's centre, that holds the image."""
    side_mm = max(shape[0] * pixel_mm[0], shape[1] * pixel_mm[1])
    half_y, half_x = side_mm / pixel_mm[0] / 2, side_mm / pixel_mm[1] / 2
    cy, cx = shape[0] / 2, shape[1] / 2
    return Box(cy - half_y, cy + half_y, cx - half_x, cx + half_x)


def tensors(
    hu: FloatArray, spacing_mm: tuple[float, float, float], spec: InputSpec
) -> Iterator[tuple[Box, FloatArray]]:
    """Yield, slice by slice, the box that was cut out and the tensor ``(c, size, size)``.

    A slice's neighbours are cut with the slice's own box. Each slice is windowed once.
    Neighbours beyond the ends are the end slice itself.

    Args:
        hu: ``(z, y, x)`` Hounsfield units; values need not be finite.
        spacing_mm: ``(z, y, x)``.
        spec: The card's ``input``.
    """
    pixel_mm = spacing_mm[1], spacing_mm[2]
    low = np.array([c - w / 2 for c, w in spec.windows], np.float32)[:, None, None]
    width = np.array([w for _, w in spec.windows], np.float32)[:, None, None]
    air = np.clip((AIR_HU - low) / width, 0.0, 1.0)
    mean = np.array(spec.mean, np.float32)[:, None, None]
    std = np.array(spec.std, np.float32)[:, None, None]
    step = neighbour_step(spacing_mm[0], spec)
    offsets = [offset * step for offset in spec.slices]
    last = len(hu) - 1

    @lru_cache(maxsize=max(0, *offsets) - min(0, *offsets) + 1)
    def windowed(index: int) -> tuple[Box, FloatArray]:
        plane = clean(hu[index])
        shape = plane.shape[0], plane.shape[1]
        whole = spec.crop == "none"
        box = whole_image_box(shape, pixel_mm) if whole else head_box(plane, pixel_mm)
        return box, np.clip((plane[None] - low) / width, 0.0, 1.0) - air

    for index in range(len(hu)):
        box = windowed(index)[0]
        planes = [
            resample_box(windowed(k)[1], box, (spec.size, spec.size)) + air
            for k in (min(max(index + offset, 0), last) for offset in offsets)
        ]
        yield box, np.concatenate([(plane - mean) / std for plane in planes])
