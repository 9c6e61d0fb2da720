"""Thin series are averaged in slabs, so that a network meets slices as it was trained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ich_cli.domain import FloatArray

THIN_SHARE = 0.6
"""A series is thin when its spacing is below this share of the wanted one."""


@dataclass(frozen=True, slots=True)
class Slabs:
    """Consecutive slices that are seen as one.

    Attributes:
        edges: Slab ``k`` holds the slices ``edges[k] … edges[k + 1] − 1``.
        spacing_mm: Distance between slab centres.
    """

    edges: tuple[int, ...]
    spacing_mm: float

    def __len__(self) -> int:
        return len(self.edges) - 1

    @property
    def of_slice(self) -> tuple[int, ...]:
        """For each slice, the slab that it is in."""
        sizes = np.diff(self.edges)
        return tuple(int(k) for k in np.repeat(np.arange(len(self)), sizes))


def plan_slabs(n_slices: int, spacing_mm: float, average_to_mm: float | None) -> Slabs:
    """Cut a stack into slabs about ``average_to_mm`` thick; single slices unless it is thin.

    Args:
        n_slices: Slices in the stack, at least one.
        spacing_mm: Distance between slice planes.
        average_to_mm: The spacing that the network wants; ``None`` for any.
    """
    count = n_slices
    if average_to_mm is not None and spacing_mm < THIN_SHARE * average_to_mm:
        count = max(1, round(n_slices * spacing_mm / average_to_mm))
    edges = np.round(np.linspace(0, n_slices, count + 1)).astype(int)
    return Slabs(tuple(int(e) for e in edges), spacing_mm * n_slices / count)


def average_slabs(hu: FloatArray, slabs: Slabs) -> FloatArray:
    """Mean of each slab of ``(z, y, x)``; a view of the input when each slab is one slice."""
    if len(slabs) == len(hu):
        return hu
    starts = np.asarray(slabs.edges[:-1])
    sizes = np.diff(slabs.edges).astype(np.float32)
    total = np.add.reduceat(hu, starts, axis=0)
    return np.asarray(total / sizes[:, None, None], np.float32)
