"""Of which kind blood is: the subtypes' evidence, shared among neighbouring blood.

A bleed is mostly of one kind, but a network's masks waver from pixel to pixel, so that the
likeliest subtype of each pixel alone draws a mosaic. Averaged over the blood around, the same
evidence draws pieces. On real outlines the kind of four to five pixels in a hundred is mended
so (``benchmarks/outlines.md`` has the areas); which pixels are blood does not change.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ich_cli.domain import FloatArray

NEAR_MM = 4.0
"""Spread (sigma) of the weight that neighbouring blood has. From 3 to 6 mm the gain is alike."""

REACH = 3.0
"""Blood further off than so many spreads has no weight."""


def log_odds(soft: FloatArray) -> FloatArray:
    """Log-odds of soft masks 0…1, any shape; finite at either end."""
    p = np.clip(np.asarray(soft, np.float32), 1e-6, 1.0 - 1e-6)
    return np.asarray(np.log(p) - np.log1p(-p), np.float32)


def shared_evidence(
    own: FloatArray, blood: NDArray[np.bool_], pixel_mm: tuple[float, float]
) -> FloatArray:
    """Each kind's evidence, averaged over the blood near each pixel of blood in a slice.

    Args:
        own: ``(k, n)`` log-odds of the ``n`` pixels of ``blood``, in the order of
            ``numpy.nonzero``.
        blood: ``(y, x)`` what is blood; nothing else has weight.
        pixel_mm: Size of a pixel down and across, in mm.

    Returns:
        ``(k, n)`` for the same pixels.
    """
    rows, cols = np.flatnonzero(blood.any(axis=1)), np.flatnonzero(blood.any(axis=0))
    if not len(rows):
        return own
    # What lies around the blood has no weight, so its bounding box is all there is to see.
    here = blood[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    sigma = [NEAR_MM / size for size in pixel_mm]
    weight = _blurred(here.astype(np.float32), sigma)[here]
    plane = np.zeros((len(own), *here.shape), np.float32)
    plane[:, here] = own
    return np.stack([_blurred(one, sigma)[here] / weight for one in plane])


def _blurred(plane: FloatArray, sigma: list[float]) -> FloatArray:
    blurred = ndimage.gaussian_filter(plane, sigma, mode="constant", truncate=REACH)
    return np.asarray(blurred, np.float32)
