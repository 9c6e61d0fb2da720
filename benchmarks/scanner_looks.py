"""Slices as another scanner, reconstruction or export would have shown them.

What was cut at 80 HU is bone and stays so; air stays air.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ich_cli.domain import FloatArray

BONE_HU = 76.0
"""What is brighter was cut at 80 HU, nearly all of it bone."""


@dataclass(frozen=True)
class Slices:
    """``hu`` ``(z, y, x)`` float32 of 0…80 and the millimetres of a pixel."""

    hu: FloatArray
    pixel_mm: float

    def with_tissue(self, changed: FloatArray) -> Slices:
        """``changed`` where neither air nor bone is."""
        tissue = (self.hu > 1) & (self.hu < BONE_HU)
        hu = np.where(tissue, changed, self.hu).clip(0, 80)
        return Slices(hu.astype(np.float32), self.pixel_mm)

    def blurred(self, sigma_mm: float) -> FloatArray:
        """Each slice under a Gaussian."""
        width = sigma_mm / self.pixel_mm
        return ndimage.gaussian_filter(self.hu, (0, width, width))


Look = Callable[[Slices], Slices]


def other_scale(gain: float, shift_hu: float) -> Look:
    """Tissue of ``gain`` times the contrast around 30 HU, ``shift_hu`` brighter."""
    return lambda plain: plain.with_tissue((plain.hu - 30) * gain + 30 + shift_hu)


def noisy(spread_hu: float, grain_mm: float) -> Look:
    """Noise of ``spread_hu`` (SD) in grains of ``grain_mm`` (sigma), each slice its own."""

    def look(plain: Slices) -> Slices:
        rng = np.random.default_rng(zlib.crc32(plain.hu.tobytes()))
        noise = Slices(rng.standard_normal(plain.hu.shape), plain.pixel_mm).blurred(grain_mm)
        return plain.with_tissue(plain.hu + noise * (spread_hu / noise.std()))

    return look


def softer(sigma_mm: float) -> Look:
    """A smooth kernel: one Gaussian more."""
    return lambda plain: Slices(plain.blurred(sigma_mm), plain.pixel_mm)


def sharper(amount: float, sigma_mm: float) -> Look:
    """A sharp kernel: ``amount`` times what a Gaussian takes away is added."""

    def look(plain: Slices) -> Slices:
        detail = plain.hu - plain.blurred(sigma_mm)
        return Slices((plain.hu + amount * detail).clip(0, 80), plain.pixel_mm)

    return look


def both(first: Look, second: Look) -> Look:
    """One after the other."""
    return lambda plain: second(first(plain))


LOOKS: Mapping[str, Look] = {
    "as it is": lambda plain: plain,
    "6 HU brighter": other_scale(1.0, 6.0),
    "contrast 15 % less": other_scale(0.85, 0.0),
    "a window of −10 to 90 HU taken for 0 to 80": other_scale(0.8, 2.0),
    "noise of 4 HU": noisy(4.0, 0.5),
    "noise of 7 HU": noisy(7.0, 0.5),
    "a smooth kernel": softer(0.9),
    "a sharp kernel and noise of 7 HU": both(sharper(1.5, 0.6), noisy(7.0, 0.4)),
}
