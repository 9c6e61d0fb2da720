"""Counts of right and wrong calls, and the proportions made of them with Wilson intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ich_cli.domain import Interval


@dataclass(frozen=True, slots=True)
class Confusion:
    """Calls against truth, counted."""

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def n(self) -> int:
        """All cases."""
        return self.tp + self.fp + self.fn + self.tn

    @property
    def sensitivity(self) -> Interval | None:
        """TP / positives."""
        return wilson(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> Interval | None:
        """TN / negatives."""
        return wilson(self.tn, self.tn + self.fp)

    @property
    def ppv(self) -> Interval | None:
        """TP / calls, at the prevalence of the test set."""
        return wilson(self.tp, self.tp + self.fp)

    @property
    def npv(self) -> Interval | None:
        """TN / non-calls, at the prevalence of the test set."""
        return wilson(self.tn, self.tn + self.fn)

    @property
    def accuracy(self) -> Interval | None:
        """Right calls / all."""
        return wilson(self.tp + self.tn, self.n)


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """Precision, recall and F1; of one label, or macro-averaged over several."""

    precision: float
    recall: float
    f1: float


def confusion(y: ArrayLike, call: ArrayLike) -> Confusion:
    """Count calls against truth; both ``(n,)`` of 0/1."""
    truth, called = np.asarray(y).astype(bool), np.asarray(call).astype(bool)
    if truth.shape != called.shape:
        raise ValueError("truth and calls must have one length")
    return Confusion(
        tp=int((truth & called).sum()),
        fp=int((~truth & called).sum()),
        fn=int((truth & ~called).sum()),
        tn=int((~truth & ~called).sum()),
    )


def wilson(count: int, n: int, level: float = 0.95) -> Interval | None:
    """A proportion with its Wilson score interval; ``None`` of nothing (statsmodels)."""
    if n == 0:
        return None
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(count, n, alpha=1 - level, method="wilson")
    # at 0 and n the score interval touches the end exactly; rounding must not move it off
    return Interval(
        count / n, 0.0 if count == 0 else float(low), 1.0 if count == n else float(high)
    )


def predictive_values(
    sensitivity: float, specificity: float, prevalence: float
) -> tuple[float | None, float | None]:
    """PPV and NPV at a given prevalence by Bayes (Altman and Bland, BMJ 1994; 309:102)."""
    if not 0 <= prevalence <= 1:
        raise ValueError("a prevalence lies between 0 and 1")
    true_positive, false_positive = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    true_negative, false_negative = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
    called, passed = true_positive + false_positive, true_negative + false_negative
    return (
        true_positive / called if called else None,
        true_negative / passed if passed else None,
    )


def precision_recall_f1(y: ArrayLike, call: ArrayLike) -> PrecisionRecall:
    """Precision, recall and F1 of one label ``(n,)`` or macro over the columns of ``(n, k)``.

    As scikit-learn has them, with an undefined precision (no call at all) taken as 0, which
    is how the published comparisons count it.
    """
    from sklearn.metrics import precision_recall_fscore_support

    truth, called = np.asarray(y).astype(int), np.asarray(call).astype(int)
    average = "binary" if truth.ndim == 1 else "macro"
    precision, recall, f1, _ = precision_recall_fscore_support(
        truth, called, average=average, zero_division=0
    )
    return PrecisionRecall(float(precision), float(recall), float(f1))
