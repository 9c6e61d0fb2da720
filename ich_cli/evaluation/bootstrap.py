"""Intervals by resampling patients: slices and scans of one patient are not independent."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ich_cli.domain import Interval

Indices = NDArray[np.intp]


def members_by_name(clusters: ArrayLike) -> dict[str, Indices]:
    """The indices of the cases of each cluster, clusters in order of first appearance."""
    values = np.asarray(clusters)
    order = np.argsort(values, kind="stable")
    names, first = np.unique(values[order], return_index=True)
    groups = np.split(order, first[1:]) if len(names) else []
    by_appearance = sorted(zip(names, groups, strict=True), key=lambda pair: int(pair[1][0]))
    return {str(name): group for name, group in by_appearance}


def clustered_bootstrap(
    statistic: Callable[[Indices], float],
    clusters: ArrayLike,
    n: int = 1000,
    *,
    seed: int = 0,
    level: float = 0.95,
) -> Interval | None:
    """Percentile interval of a statistic, whole clusters drawn with replacement.

    Args:
        statistic: Takes the indices of the drawn cases (with repeats); may raise
            ``ValueError`` or give nan where it is not defined for a draw.
        clusters: ``(cases,)`` patient of each case.
        n: Number of draws.
        seed: Of the generator; the same seed gives the same interval.
        level: Confidence level.

    Returns:
        The statistic on all cases with its interval; ``None`` where it is not defined on
        all cases. The interval is nan where there are fewer than two clusters, and where
        :func:`interval_of` leaves it so.
    """
    members = list(members_by_name(clusters).values())
    everything = np.concatenate(members) if members else np.empty(0, np.intp)
    value = _attempt(statistic, np.sort(everything))
    if not np.isfinite(value):
        return None
    if len(members) < 2:
        return Interval(value, math.nan, math.nan)
    generator = np.random.default_rng(seed)
    draws = np.full(n, np.nan)
    for k in range(n):
        chosen = generator.integers(0, len(members), len(members))
        draws[k] = _attempt(statistic, np.concatenate([members[i] for i in chosen]))
    return interval_of(value, draws, level)


def _attempt(statistic: Callable[[Indices], float], indices: Indices) -> float:
    try:
        return float(statistic(indices))
    except (ValueError, ZeroDivisionError):
        return float("nan")


def resampled_sums(
    parts: ArrayLike, clusters: ArrayLike, n: int = 1000, *, seed: int = 0
) -> NDArray[np.float64]:
    """Sums of additive quantities over patients drawn with replacement.

    Counts, squared errors and bin totals are all sums over cases; with these the bootstrap
    of any ratio of them is one matrix product.

    Args:
        parts: ``(cases, k)`` what each case adds.
        clusters: ``(cases,)`` patient of each case.
        n: Number of draws.
        seed: Of the generator.

    Returns:
        ``(n, k)``; nan of a single patient, who says nothing of others.
    """
    values = np.asarray(parts, np.float64)
    names, index = np.unique(np.asarray(clusters), return_inverse=True)
    if len(names) < 2:
        return np.full((n, values.shape[1]), np.nan)
    by_cluster = np.zeros((len(names), values.shape[1]))
    np.add.at(by_cluster, index, values)
    generator = np.random.default_rng(seed)
    share = np.full(len(names), 1 / len(names))
    return np.asarray(generator.multinomial(len(names), share, n) @ by_cluster, np.float64)


def interval_of(value: float, draws: NDArray[np.float64], level: float = 0.95) -> Interval | None:
    """A value with the percentile interval of its draws; ``None`` where it is not defined.

    The interval is nan where fewer than half of the draws define the value, and where it would
    have no width: draws that cannot differ (all right, say) do not make a value certain.
    """
    if not np.isfinite(value):
        return None
    defined = draws[np.isfinite(draws)]
    if len(defined) < len(draws) / 2:
        return Interval(value, math.nan, math.nan)
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    if high - low < 1e-12:
        return Interval(value, math.nan, math.nan)
    return Interval(value, float(low), float(high))
