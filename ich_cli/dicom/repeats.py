"""Which of several slices at one place to use when part of a scan was repeated.

A patient who moves is scanned again over part of the range. Taking slices of either run at
random would stack two poses of the head; the slices are taken that fit their neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from ich_cli.domain import FloatArray

WINDOW_HU = (-20.0, 120.0)
SMALL = 64


def choose(alternatives: Sequence[Sequence[int]], image: Callable[[int], FloatArray]) -> list[int]:
    """Take one slice from each place so that neighbours are as alike as they can be.

    Args:
        alternatives: For each place, in order, the slices that lie there; the first is the
            one to take when nothing else decides.
        image: ``(rows, columns)`` Hounsfield units of a slice.

    Returns:
        One slice from each place: of all paths the one whose neighbours correlate best.
    """
    if all(len(options) == 1 for options in alternatives):
        return [options[0] for options in alternatives]
    small = [[_small(image(option)) for option in options] for options in alternatives]
    score = np.zeros(len(small[0]))
    back: list[list[int]] = []
    for before, here in pairwise(small):
        links = [[score[i] + float(a @ b) for i, a in enumerate(before)] for b in here]
        back.append([int(np.argmax(link)) for link in links])
        score = np.array([max(link) for link in links])
    path = [int(np.argmax(score))]
    for step in reversed(back):
        path.append(step[path[-1]])
    return [options[i] for options, i in zip(alternatives, reversed(path), strict=True)]


def _small(hu: FloatArray) -> FloatArray:
    """Thumbnail in a soft-tissue window as a vector of unit length; zeros when uniform."""
    step = max(1, min(hu.shape) // SMALL)
    rows, columns = hu.shape[0] // step * step, hu.shape[1] // step * step
    clipped = np.clip(hu[:rows, :columns], *WINDOW_HU)
    blocks = clipped.reshape(rows // step, step, columns // step, step).mean(axis=(1, 3)).ravel()
    blocks -= blocks.mean()
    length = float(np.linalg.norm(blocks))
    return np.asarray(blocks / length if length > 0 else blocks, np.float32)
