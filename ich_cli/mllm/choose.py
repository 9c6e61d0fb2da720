"""Which slices the second reader sees.

Half are the most suspicious to the network, half are spread evenly over the head; all are
shown from base to vertex and the number never depends on the result, so the choice itself
does not give the answer away.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ich_cli.domain import FloatArray

APART_MM = 7.5
"""Suspicious slices nearer to each other than this show the same thing."""


def choose_slices(
    suspicion: FloatArray, usable: NDArray[np.bool_], spacing_z_mm: float, count: int
) -> tuple[int, ...]:
    """Choose slices to show.

    Args:
        suspicion: ``(z,)`` probability of any haemorrhage.
        usable: ``(z,)`` whether the head is on the slice.
        spacing_z_mm: Distance between slices.
        count: How many are wanted.

    Returns:
        Indices in anatomical order: ``min(count, usable slices)`` of them.
    """
    candidates = [int(z) for z in np.flatnonzero(usable)]
    if len(candidates) <= count:
        return tuple(candidates)
    chosen = _suspicious(suspicion, candidates, spacing_z_mm, (count + 1) // 2)
    return tuple(sorted(_fill(chosen, candidates, count)))


def _suspicious(
    suspicion: FloatArray, candidates: list[int], spacing_z_mm: float, count: int
) -> list[int]:
    apart = max(1, round(APART_MM / spacing_z_mm))
    chosen: list[int] = []
    for z in sorted(candidates, key=lambda z: (-float(suspicion[z]), z)):
        if all(abs(z - other) >= apart for other in chosen):
            chosen.append(z)
        if len(chosen) == count:
            break
    return chosen


def _fill(chosen: list[int], candidates: list[int], count: int) -> list[int]:
    """Fill up with slices from an even ladder, those first that are farthest from the chosen."""
    ladder = [candidates[round(i)] for i in np.linspace(0, len(candidates) - 1, count + 2)[1:-1]]
    filled = list(chosen)
    for pool in (ladder, candidates):
        rest = [z for z in dict.fromkeys(pool) if z not in filled]
        while rest and len(filled) < count:
            best = max(rest, key=lambda z: min((abs(z - c) for c in filled), default=0))
            filled.append(best)
            rest.remove(best)
    return filled
