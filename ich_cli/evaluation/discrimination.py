"""How well scores separate positives from negatives: AUC, DeLong, sensitivity at a specificity.

All functions take ``y`` (0/1 or bool) and ``score`` (float), both of shape ``(n,)``, and
raise ``ValueError`` where both classes are not there: a quantity that is not defined is
not reported as 0.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ich_cli.domain import Interval

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AucDifference:
    """Two AUCs on the same cases and the DeLong test of their difference."""

    auc_a: float
    auc_b: float
    difference: Interval
    z: float
    p: float


def auc(y: ArrayLike, score: ArrayLike) -> float:
    """Area under the ROC curve: the share of (positive, negative) pairs in the right order."""
    positives, negatives = _split(y, score)
    return float(_placements(positives, negatives)[0].mean())


def delong_variance(y: ArrayLike, score: ArrayLike, clusters: ArrayLike | None = None) -> float:
    """Variance of the AUC by DeLong 1988, or Obuchowski 1997 for clustered cases.

    Args:
        y: ``(n,)`` truth.
        score: ``(n,)`` scores.
        clusters: ``(n,)`` patient of each case; ``None`` for independent cases.
    """
    return float(_covariance(y, [score], clusters)[0, 0])


def delong_interval(
    y: ArrayLike, score: ArrayLike, *, level: float = 0.95, clusters: ArrayLike | None = None
) -> Interval:
    """AUC with its DeLong interval, cut at 0 and 1.

    Where the estimated variance is 0 (a perfect separation, say) DeLong's interval has no
    width, and that of a single positive or negative knows nothing of others; method 5 of
    Newcombe 2006 (Stat Med 25:559) is used instead.

    Args:
        y: ``(n,)`` truth.
        score: ``(n,)`` scores.
        level: Confidence level.
        clusters: ``(n,)`` patient of each case (Obuchowski 1997, Biometrics 53:567).
    """
    value = auc(y, score)
    variance = delong_variance(y, score, clusters)
    z = NormalDist().inv_cdf(0.5 + level / 2)
    independent = _independent(y, clusters)
    if variance <= 1e-12 or min(independent) < 2:
        return _newcombe(value, *independent, z)
    half = z * float(np.sqrt(variance))
    return Interval(value, max(0.0, value - half), min(1.0, value + half))


def delong_test(
    y: ArrayLike,
    score_a: ArrayLike,
    score_b: ArrayLike,
    *,
    level: float = 0.95,
    clusters: ArrayLike | None = None,
) -> AucDifference:
    """DeLong's test for two correlated ROC curves (Biometrics 1988, 44:837).

    Returns:
        Both AUCs, ``a - b`` with its interval, z and the two-sided p (1 when the two
        rank every case alike). Interval, z and p are nan where they cannot be known: of a
        single positive or negative, and where no case contradicts the others.
    """
    covariance = _covariance(y, [score_a, score_b], clusters)
    auc_a, auc_b = auc(y, score_a), auc(y, score_b)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    error = float(np.sqrt(max(variance, 0.0)))
    gap = auc_a - auc_b
    if error < 1e-12 and abs(gap) < 1e-12:
        return AucDifference(auc_a, auc_b, Interval(gap, gap, gap), 0.0, 1.0)
    if error < 1e-12 or min(_independent(y, clusters)) < 2:
        unknown = math.nan
        return AucDifference(auc_a, auc_b, Interval(gap, unknown, unknown), unknown, unknown)
    half = NormalDist().inv_cdf(0.5 + level / 2) * error
    z = gap / error
    p = 2 * (1 - NormalDist().cdf(abs(z)))
    return AucDifference(auc_a, auc_b, Interval(gap, gap - half, gap + half), z, p)


def roc_curve(y: ArrayLike, score: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """False-positive rate, sensitivity and threshold along the curve (scikit-learn's)."""
    from sklearn.metrics import roc_curve as sklearn_roc

    _split(y, score)
    false_rate, true_rate, thresholds = sklearn_roc(np.asarray(y, int), np.asarray(score, float))
    return (
        np.asarray(false_rate, np.float64),
        np.asarray(true_rate, np.float64),
        np.asarray(thresholds, np.float64),
    )


def sensitivity_at_specificity(y: ArrayLike, score: ArrayLike, specificity: float) -> float:
    """Highest sensitivity of any threshold whose specificity is at least the one asked for."""
    false_rate, true_rate, _ = roc_curve(y, score)
    return float(true_rate[false_rate <= 1 - specificity + 1e-12].max())


def threshold_at_sensitivity(y: ArrayLike, score: ArrayLike, sensitivity: float) -> float:
    """Highest threshold (``score >= threshold`` is a call) that reaches the sensitivity."""
    positives, _ = _split(y, score)
    needed = int(np.ceil(sensitivity * len(positives) - 1e-9))
    return float(np.sort(positives)[::-1][max(needed, 1) - 1])


def threshold_at_specificity(y: ArrayLike, score: ArrayLike, specificity: float) -> float:
    """Lowest threshold among the scores (or just above them) that reaches the specificity."""
    _, negatives = _split(y, score)
    allowed = int(np.floor((1 - specificity) * len(negatives) + 1e-9))
    ordered = np.sort(negatives)[::-1]
    if allowed >= len(ordered):
        return float(ordered[-1])
    return float(np.nextafter(ordered[allowed], np.inf))


def _independent(y: ArrayLike, clusters: ArrayLike | None) -> tuple[int, int]:
    """How many positives and negatives there are that do not share a patient."""
    truth = np.asarray(y).astype(bool)
    groups = np.arange(len(truth)) if clusters is None else np.asarray(clusters)
    return len(np.unique(groups[truth])), len(np.unique(groups[~truth]))


def _split(y: ArrayLike, score: ArrayLike) -> tuple[Floats, Floats]:
    truth = np.asarray(y).astype(bool)
    values = np.asarray(score, np.float64)
    if truth.shape != values.shape or truth.ndim != 1:
        raise ValueError("truth and score must be vectors of one length")
    if not np.isfinite(values).all():
        raise ValueError("scores must be finite")
    if truth.all() or not truth.any():
        raise ValueError("an AUC needs at least one positive and one negative case")
    return values[truth], values[~truth]


def _placements(positives: Floats, negatives: Floats) -> tuple[Floats, Floats]:
    """DeLong's structural components by midranks (Sun and Xu 2014), ``(m,)`` and ``(n,)``."""
    from scipy.stats import rankdata

    m = len(positives)
    pooled = rankdata(np.concatenate([positives, negatives]))
    of_positives = (pooled[:m] - rankdata(positives)) / len(negatives)
    of_negatives = 1 - (pooled[m:] - rankdata(negatives)) / m
    return np.asarray(of_positives, np.float64), np.asarray(of_negatives, np.float64)


def _covariance(y: ArrayLike, scores: list[Any], clusters: ArrayLike | None) -> Floats:
    """Covariance matrix of the AUCs of ``scores`` on the same cases."""
    truth = np.asarray(y).astype(bool)
    parts = [_placements(*_split(truth, score)) for score in scores]
    from_positives = np.stack([p - p.mean() for p, _ in parts])
    from_negatives = np.stack([q - q.mean() for _, q in parts])
    groups = np.arange(len(truth)) if clusters is None else np.asarray(clusters)
    names, index = np.unique(groups, return_inverse=True)
    sums_positive = _sum_by_cluster(from_positives, index[truth], len(names))
    sums_negative = _sum_by_cluster(from_negatives, index[~truth], len(names))
    m, n = int(truth.sum()), int((~truth).sum())
    with_positives = len(np.unique(index[truth]))
    with_negatives = len(np.unique(index[~truth]))
    total = sums_positive @ sums_positive.T * _bessel(with_positives) / m**2
    total = total + sums_negative @ sums_negative.T * _bessel(with_negatives) / n**2
    cross = sums_positive @ sums_negative.T
    return np.asarray(total + (cross + cross.T) * _bessel(len(names)) / (m * n), np.float64)


def _sum_by_cluster(values: Floats, index: NDArray[np.intp], n_clusters: int) -> Floats:
    rows = [np.bincount(index, weights=row, minlength=n_clusters) for row in values]
    return np.stack(rows)


def _bessel(count: int) -> float:
    return count / (count - 1) if count > 1 else 1.0


def _newcombe(value: float, m: int, n: int, z: float) -> Interval:
    """Newcombe's method 5: the AUCs whose own standard error reaches the observed one."""
    middle = (m + n) / 2 - 1

    def distance(theta: float) -> float:
        spread = 1 + middle * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return float(abs(theta - value) - z * np.sqrt(theta * (1 - theta) * spread / (m * n)))

    return Interval(value, _crossing(distance, value, 0.0), _crossing(distance, value, 1.0))


def _crossing(distance: Any, start: float, end: float) -> float:
    """Where ``distance`` changes sign between the estimate and an end of the scale."""
    if start == end:
        return end
    inner, outer = start, end
    if distance(outer) < 0:
        return end
    for _ in range(80):
        middle = (inner + outer) / 2
        if distance(middle) < 0 or middle == start:
            inner = middle
        else:
            outer = middle
    return (inner + outer) / 2
