"""Two readers on the same cases: McNemar's test and Cohen's kappa."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class McNemar:
    """Discordant counts and the test. ``exact`` says which form was used."""

    only_a_right: int
    only_b_right: int
    statistic: float
    p: float
    exact: bool


def mcnemar(right_a: ArrayLike, right_b: ArrayLike) -> McNemar:
    """McNemar's test on which reader was right where they differ (statsmodels).

    Exact binomial below 25 discordant pairs, else χ² without continuity correction.

    Args:
        right_a: ``(n,)`` whether reader A was right.
        right_b: ``(n,)`` whether reader B was right.
    """
    from statsmodels.stats.contingency_tables import mcnemar as test

    a, b = np.asarray(right_a).astype(bool), np.asarray(right_b).astype(bool)
    if a.shape != b.shape:
        raise ValueError("both readers must have judged the same cases")
    both, neither = int((a & b).sum()), int((~a & ~b).sum())
    only_a, only_b = int((a & ~b).sum()), int((~a & b).sum())
    if only_a + only_b == 0:
        return McNemar(0, 0, 0.0, 1.0, exact=True)
    exact = only_a + only_b < 25
    result = test([[both, only_a], [only_b, neither]], exact=exact, correction=False)
    return McNemar(only_a, only_b, float(result.statistic), float(result.pvalue), exact)


def kappa(answers_a: ArrayLike, answers_b: ArrayLike) -> float | None:
    """Cohen's kappa (scikit-learn); ``None`` where chance agreement is complete."""
    from sklearn.metrics import cohen_kappa_score

    a, b = np.asarray(answers_a), np.asarray(answers_b)
    if len(a) == 0 or (len(np.unique(a)) == 1 and np.array_equal(a, b)):
        return None
    return float(cohen_kappa_score(a, b))
