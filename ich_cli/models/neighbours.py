"""A slice's logits beside those of the slices next to it.

A bleed goes on from slice to slice more often than what only looks like one.
"""

from __future__ import annotations

import numpy as np

from ich_cli.domain import FloatArray


def lean_on_neighbours(logits: FloatArray, step: int, weight: float) -> FloatArray:
    """Weighted mean of each slice's logits and of those ``step`` slices before and after it.

    Args:
        logits: ``(z, 6)``.
        step: How many slices away the neighbours are, at least one. Beyond the ends the end
            slice speaks.
        weight: Of each neighbour, against 1 for the slice itself.
    """
    place, last = np.arange(len(logits)), len(logits) - 1
    around = logits[np.maximum(place - step, 0)] + logits[np.minimum(place + step, last)]
    return np.asarray((logits + weight * around) / (1.0 + 2.0 * weight), np.float32)
