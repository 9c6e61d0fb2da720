"""Do probabilities mean what they say: Brier score, log-loss, calibration error, reliability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ich_cli.domain import Interval
from ich_cli.evaluation.proportions import wilson


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """One bin of the reliability diagram; ``observed`` has a Wilson interval."""

    low: float
    high: float
    n: int
    mean_predicted: float
    observed: Interval


def brier(y: ArrayLike, prob: ArrayLike) -> float:
    """Mean squared distance of probability and outcome (scikit-learn)."""
    from sklearn.metrics import brier_score_loss

    return float(brier_score_loss(np.asarray(y, int), np.asarray(prob, float), pos_label=1))


def log_loss(y: ArrayLike, prob: ArrayLike, *, floor: float = 1e-15) -> float:
    """Mean negative log-likelihood, probabilities kept ``floor`` away from 0 and 1."""
    truth = np.asarray(y, np.float64)
    p = np.clip(np.asarray(prob, np.float64), floor, 1 - floor)
    return float(-np.mean(truth * np.log(p) + (1 - truth) * np.log(1 - p)))


def rsna_log_loss(y: ArrayLike, prob: ArrayLike) -> float:
    """The RSNA 2019 score: log-loss over ``(n, 6)``, the first column ("any") counted twice."""
    truth, p = np.asarray(y, np.float64), np.asarray(prob, np.float64)
    columns = [log_loss(truth[:, k], p[:, k]) for k in range(truth.shape[1])]
    return float(np.average(columns, weights=[2.0] + [1.0] * (len(columns) - 1)))


def reliability(y: ArrayLike, prob: ArrayLike, bins: int = 10) -> tuple[ReliabilityBin, ...]:
    """Observed share against mean prediction in bins of equal width; empty bins left out."""
    truth, p = np.asarray(y, np.float64), np.asarray(prob, np.float64)
    which = _bin_of(p, bins)
    rows = []
    for k in range(bins):
        inside = which == k
        n = int(inside.sum())
        observed = wilson(int(truth[inside].sum()), n)
        if observed is not None:
            rows.append(
                ReliabilityBin(k / bins, (k + 1) / bins, n, float(p[inside].mean()), observed)
            )
    return tuple(rows)


def expected_calibration_error(y: ArrayLike, prob: ArrayLike, bins: int = 10) -> float:
    """Mean gap of confidence and outcome over equal bins, by share (Guo 2017, eq. 3)."""
    parts = reliability(y, prob, bins)
    n = sum(part.n for part in parts)
    return float(sum(part.n * abs(part.observed.value - part.mean_predicted) for part in parts) / n)


def _bin_of(prob: NDArray[np.float64], bins: int) -> NDArray[np.intp]:
    return np.minimum((prob * bins).astype(np.intp), bins - 1)
