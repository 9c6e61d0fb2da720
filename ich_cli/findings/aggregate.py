"""From slices to the scan: probabilities that one odd slice cannot make.

A bleed goes on into the next slice; a streak often does not. So a scan's probability is
never that of its best slice alone, and thin slices are first averaged to the thickness
that readers and networks know, so that a thin series counts as the thick one it could
have been.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ich_cli.domain import FloatArray, SlicePrediction, Status, Volume
from ich_cli.findings.policy import Policy

REFERENCE_MM = 5.0
"""Thickness of a routine slice. Thinner ones are averaged over this length."""

ROUTINE = 0.9
"""From this share of it on, a slice counts as a routine one."""

ROUNDING_MM = 0.05
"""Lengths that differ by less are one: headers round positions, and records round them again."""

PEAK_WEIGHT = 0.6
"""Share of the higher slice of a pair; the rest is its better neighbour's."""


def scan_probabilities(
    prediction: SlicePrediction, volume: Volume, policy: Policy
) -> NDArray[np.float64]:
    """``(6,)`` probabilities of the scan: the network's own scan-level head, else pooled."""
    if prediction.scan_probs is not None:
        return np.asarray(prediction.scan_probs, np.float64)
    return pool_slices(prediction.probs, volume.slice_mm, policy)


def pool_slices(probs: FloatArray, slice_mm: FloatArray, policy: Policy) -> NDArray[np.float64]:
    """Pool ``(z, 6)`` slice probabilities to ``(6,)``, each label by itself.

    Both rules see the slices after a moving average over 5 mm of normal; slices of 4.5 mm
    and more are left as they are, and a lone slice speaks for itself.

    * ``smooth_max``: the highest ``0.6 p[i] + 0.4 max(p[i−1], p[i+1])``, the neighbours
      being 5 mm away (or one slice, where slices are thicker);
    * ``rank``: the ``rank``-th highest slice, counted in lengths of 5 mm: the value that
      is reached over more than ``(rank − 1) × 5`` mm. A scan too short for that gives
      its lowest slice.
    """
    thick = smooth_along_z(np.asarray(probs, np.float64), slice_mm)
    if len(thick) == 1:
        return np.asarray(thick[0], np.float64)
    if policy.pooling == "rank":
        return _ranked(thick, np.asarray(slice_mm, np.float64), policy.rank)
    reach = max(1, round(REFERENCE_MM / float(np.median(slice_mm))))
    if len(thick) <= reach:
        return np.asarray(thick.max(axis=0), np.float64)
    nothing = np.zeros((reach, thick.shape[1]))
    before, after = (
        np.concatenate([nothing, thick[:-reach]]),
        np.concatenate([thick[reach:], nothing]),
    )
    pairs = PEAK_WEIGHT * thick + (1.0 - PEAK_WEIGHT) * np.maximum(before, after)
    return np.asarray(pairs.max(axis=0), np.float64)


def _ranked(
    probs: NDArray[np.float64], slice_mm: NDArray[np.float64], rank: int
) -> NDArray[np.float64]:
    """The value reached over more than ``rank − 1`` reference lengths; see ``pool_slices``."""
    # A routine slice is one slice, whether of 4.6 mm or of 7.
    length = np.where(_routine(slice_mm), REFERENCE_MM, slice_mm)
    needed = (rank - 1) * REFERENCE_MM
    order = np.argsort(-probs, axis=0)
    reached = np.cumsum(length[order], axis=0)
    first = np.minimum((reached <= needed + ROUNDING_MM).sum(axis=0), len(probs) - 1)
    columns = np.arange(probs.shape[1])
    return np.asarray(probs[order[first, columns], columns], np.float64)


def smooth_along_z(probs: NDArray[np.float64], slice_mm: FloatArray) -> NDArray[np.float64]:
    """Average each slice with what lies within ``REFERENCE_MM`` of normal around it."""
    length = np.asarray(slice_mm, np.float64)
    centre = np.cumsum(length) - length / 2
    low, high = centre - length / 2, centre + length / 2
    half = REFERENCE_MM / 2
    overlap = np.minimum(centre[:, None] + half, high) - np.maximum(centre[:, None] - half, low)
    weights = np.clip(overlap, 0.0, None)
    weights[_routine(length)] = 0.0
    np.fill_diagonal(weights, np.maximum(np.diag(weights), 1e-6))
    return np.asarray(weights @ probs / weights.sum(axis=1, keepdims=True), np.float64)


def _routine(length_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
    return length_mm >= ROUTINE * REFERENCE_MM - ROUNDING_MM


def scan_status(any_prob: float, policy: Policy) -> Status:
    """Positive, indeterminate (just below the threshold, see ``Policy.band``) or negative."""
    if any_prob >= policy.scan[0]:
        return Status.POSITIVE
    if any_prob >= policy.indeterminate_from:
        return Status.INDETERMINATE
    return Status.NEGATIVE


def key_slice(prediction: SlicePrediction, area_px: NDArray[np.int64] | None = None) -> int:
    """The slice to look at first: the largest area of blood, else the highest probability."""
    if area_px is not None and area_px.any():
        return int(np.argmax(area_px))
    return int(np.argmax(prediction.probs[:, 0]))
