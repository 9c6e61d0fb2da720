"""Text burned into every slice at one place, also where it lies on the head.

Anatomy and noise never repeat from slice to slice; a stamp does, in whatever grey it is.
Only bone at the end of a clipped scale repeats in parts; of a stamp nearly all does.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ich_cli.deidentify.head import Mask
from ich_cli.domain import FloatArray

TEXT_HU = 100.0
"""Brighter than blood: text that is darker is left, or all even tissue would count as text."""

METAL_HU = 2500.0
"""Nothing but metal is brighter: there, what repeats is covered whatever the rest does."""

INK = 0.8
"""Share of the pixels of one grey that must repeat for the grey to be ink."""

SAME = 0.9
"""Share of slices on which a pixel must hold the very same value."""

FEWEST_SLICES = 5
CLOSE_MM = 8.0
"""Strokes nearer than this are covered as one block, so that no shape stays readable."""


def stamped(hu: FloatArray, spacing_mm: tuple[float, float, float]) -> Mask:
    """Mark what a stamp covers.

    Args:
        hu: ``(z, y, x)`` Hounsfield units.
        spacing_mm: ``(z, y, x)``.

    Returns:
        ``(y, x)`` true over stamped text and around it.
    """
    middle = hu[len(hu) // 2]
    bright = middle >= TEXT_HU
    if len(hu) < FEWEST_SLICES or not bright.any():
        return np.zeros(middle.shape, np.bool_)
    repeats = (hu[:, bright] == middle[bright]).mean(axis=0) >= SAME
    strokes = np.zeros(middle.shape, np.bool_)
    strokes[bright] = repeats & (_ink(middle[bright], repeats) | (middle[bright] >= METAL_HU))
    reach = [2 * max(1, round(CLOSE_MM / mm)) + 1 for mm in spacing_mm[1:]]
    return np.asarray(ndimage.maximum_filter(strokes, size=reach), np.bool_)


def _ink(greys: FloatArray, repeats: Mask) -> Mask:
    """Mark the pixels whose grey is that of text: most of its pixels repeat."""
    _, grey, counts = np.unique(greys, return_inverse=True, return_counts=True)
    shares = np.bincount(grey, weights=repeats) / counts
    return np.asarray(shares[grey] >= INK, np.bool_)
