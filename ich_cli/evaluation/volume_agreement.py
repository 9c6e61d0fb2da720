"""Agreement of two readings of one volume in mL: bias, limits, concordance, large or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ich_cli.domain import LARGE_ML, Interval
from ich_cli.evaluation.proportions import Confusion, confusion


@dataclass(frozen=True, slots=True)
class BlandAltman:
    """Bias (measured minus truth) and 95 % limits of agreement (Lancet 1986; 1:307).

    ``bias``, ``lower`` and ``upper`` carry their own 95 % intervals; nan for n < 2.
    """

    n: int
    bias: Interval
    sd: float
    lower: Interval
    upper: Interval


def bland_altman(measured: ArrayLike, truth: ArrayLike) -> BlandAltman:
    """Bland-Altman analysis of paired mL, with t-intervals of bias and limits.

    Raises:
        ValueError: Fewer than two pairs.
    """
    from scipy.stats import t

    difference = np.subtract(*_paired(measured, truth))
    n = len(difference)
    if n < 2:
        raise ValueError("limits of agreement need at least two pairs")
    bias, sd = float(difference.mean()), float(difference.std(ddof=1))
    quantile = float(t.ppf(0.975, n - 1))
    of_bias, of_limit = quantile * sd / np.sqrt(n), quantile * sd * np.sqrt(3 / n)
    low, high = bias - 1.96 * sd, bias + 1.96 * sd
    return BlandAltman(
        n=n,
        bias=Interval(bias, bias - of_bias, bias + of_bias),
        sd=sd,
        lower=Interval(low, low - of_limit, low + of_limit),
        upper=Interval(high, high - of_limit, high + of_limit),
    )


def concordance(measured: ArrayLike, truth: ArrayLike) -> Interval:
    """Lin's concordance correlation coefficient with his z-transform interval.

    Lin 1989 (Biometrics 45:255; correction 2000, 56:324). 1 for two identical readings.

    Raises:
        ValueError: Fewer than three pairs, or a reading that does not vary.
    """
    x, y = _paired(measured, truth)
    n = len(x)
    if n < 3:
        raise ValueError("a concordance needs at least three pairs")
    var_x, var_y = float(x.var()), float(y.var())
    covariance = float(np.mean((x - x.mean()) * (y - y.mean())))
    shift = float(x.mean() - y.mean())
    denominator = var_x + var_y + shift**2
    if var_x == 0 or var_y == 0:
        raise ValueError("a concordance is not defined where a reading never varies")
    ccc = 2 * covariance / denominator
    if 1 - abs(ccc) < 1e-12:
        return Interval(ccc, ccc, ccc)
    pearson = covariance / np.sqrt(var_x * var_y)
    if pearson == 0:
        return Interval(ccc, float("nan"), float("nan"))
    u2 = shift**2 / np.sqrt(var_x * var_y)
    variance = (
        (1 - pearson**2) * ccc**2 / ((1 - ccc**2) * pearson**2)
        + 2 * ccc**3 * (1 - ccc) * u2 / (pearson * (1 - ccc**2) ** 2)
        - ccc**4 * u2**2 / (2 * pearson**2 * (1 - ccc**2) ** 2)
    ) / (n - 2)
    half = 1.959964 * np.sqrt(max(float(variance), 0.0))
    z = np.arctanh(ccc)
    return Interval(ccc, float(np.tanh(z - half)), float(np.tanh(z + half)))


def icc_2_1(readings: ArrayLike) -> float:
    """ICC(2,1): two-way random, absolute agreement, single reading (Shrout and Fleiss 1979).

    Args:
        readings: ``(cases, raters)``.
    """
    table = np.asarray(readings, np.float64)
    n, k = table.shape
    if n < 2 or k < 2:
        raise ValueError("an ICC needs at least two cases and two readings")
    grand = table.mean()
    of_rows = k * ((table.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    of_columns = n * ((table.mean(axis=0) - grand) ** 2).sum() / (k - 1)
    residual = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + grand
    error = (residual**2).sum() / ((n - 1) * (k - 1))
    denominator = of_rows + (k - 1) * error + k * (of_columns - error) / n
    if denominator == 0:
        raise ValueError("an ICC is not defined where no reading varies")
    return float((of_rows - error) / denominator)


def mean_absolute_error(measured: ArrayLike, truth: ArrayLike) -> float:
    """Mean absolute error in mL."""
    return float(np.abs(np.subtract(*_paired(measured, truth))).mean())


def within_tolerance(
    measured: ArrayLike, truth: ArrayLike, *, share: float = 0.1, floor_ml: float = 1.0
) -> NDArray[np.bool_]:
    """Which pairs lie within ``max(share × truth, floor_ml)``."""
    x, y = _paired(measured, truth)
    return np.asarray(np.abs(x - y) <= np.maximum(share * y, floor_ml))


def large_agreement(measured: ArrayLike, truth: ArrayLike, large_ml: float = LARGE_ML) -> Confusion:
    """Calls of "at least 30 mL" by the measured volume against those by the true one."""
    x, y = _paired(measured, truth)
    return confusion(y >= large_ml, x >= large_ml)


def _paired(
    measured: ArrayLike, truth: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = np.asarray(measured, np.float64), np.asarray(truth, np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError("measured and true volumes must be vectors of one length")
    return x, y
