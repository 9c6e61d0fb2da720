"""Noise like a scanner's: correlated in the plane, strongest in the middle of the head."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ich_cli.phantom.fields import Array
from ich_cli.phantom.grid import CENTRE_Y_MM, Grid
from ich_cli.phantom.spec import Kernel, PhantomSpec


def scanner_noise(
    rng: np.random.Generator, shape: tuple[int, ...], grid: Grid, spec: PhantomSpec
) -> Array:
    """Draw noise.

    Filtered back-projection suppresses the lowest frequencies and the kernel the highest:
    white noise is band-passed in the plane.

    Args:
        rng: Source of randomness.
        shape: ``(z, y, x)``.
        grid: Where the voxels are.
        spec: Kernel and noise level.
    """
    white = rng.standard_normal(shape, dtype=np.float32)
    fine = (0.35 if spec.kernel is Kernel.BONE else 0.75) / grid.pixel_mm
    band = _blur(white, fine)
    band -= _blur(white, 4 * fine + 0.5)
    level = spec.noise_hu * (6.0 if spec.kernel is Kernel.BONE else 1.0)
    p = grid.flat_points(slice(0, shape[1]), slice(0, shape[2]))
    radius2 = p.x**2 + (p.y - CENTRE_Y_MM) ** 2
    envelope = 0.55 + 0.45 * np.exp(-radius2 / 70**2)
    return np.asarray(band * (level / (band[:4].std() + 1e-9)) * envelope, np.float32)


def _blur(image: Array, sigma: float) -> Array:
    blurred = ndimage.gaussian_filter(image, (0, sigma, sigma), truncate=2.5, mode="wrap")
    return np.asarray(blurred, np.float32)
