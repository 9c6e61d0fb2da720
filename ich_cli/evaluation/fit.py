"""Temperatures and thresholds from labelled cases, and how many cases that takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ich_cli.errors import UsageError
from ich_cli.evaluation.calibration import log_loss
from ich_cli.evaluation.discrimination import (
    threshold_at_sensitivity,
    threshold_at_specificity,
)
from ich_cli.evaluation.proportions import wilson

TEMPERATURES = (0.2, 10.0)
PROB_FLOOR = 1e-5
"""Results hold probabilities with five decimals; beyond this there is no logit to recover."""

TOLERANCE = 0.10


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What a threshold is to reach: ``sensitivity`` or ``specificity`` of at least ``value``."""

    measure: Literal["sensitivity", "specificity"]
    value: float

    def __str__(self) -> str:
        return f"{self.measure} {self.value:g}"


def parse_point(text: str) -> OperatingPoint:
    """``sensitivity=0.95`` or ``specificity=0.9``.

    Raises:
        UsageError: It reads otherwise.
    """
    measure, _, number = text.partition("=")
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if measure not in ("sensitivity", "specificity") or not 0.5 <= value < 1:
        raise UsageError(
            f"operating point {text!r}: write sensitivity=0.95 or specificity=0.90 (0.5 to below 1)"
        )
    return OperatingPoint("sensitivity" if measure == "sensitivity" else "specificity", value)


def needed_cases(target: float, tolerance: float = TOLERANCE) -> int:
    """Cases of one class that pin a proportion down.

    The smallest n for which a proportion that comes out at ``target`` has a lower Wilson
    bound of at least ``target - tolerance``: 55 for .95 within .10.
    """
    for n in range(1, 100_000):
        interval = wilson(int(target * n + 1e-9), n)
        if interval is not None and interval.low >= target - tolerance:
            return n
    raise ValueError("no number of cases reaches this tolerance")


def logit(prob: ArrayLike) -> NDArray[np.float64]:
    """log(p / (1 − p)), with probabilities kept off 0 and 1."""
    p = np.clip(np.asarray(prob, np.float64), PROB_FLOOR, 1 - PROB_FLOOR)
    return np.asarray(np.log(p) - np.log1p(-p), np.float64)


def sigmoid(x: ArrayLike) -> NDArray[np.float64]:
    """The logistic function."""
    from scipy.special import expit

    return np.asarray(expit(np.asarray(x, np.float64)), np.float64)


def fit_temperature(y: ArrayLike, logits: ArrayLike) -> float:
    """The T that makes ``sigmoid(logits / T)`` most likely (Guo 2017), within ``TEMPERATURES``.

    Raises:
        ValueError: One class is missing.
    """
    from scipy.optimize import minimize_scalar

    truth, x = np.asarray(y, bool), np.asarray(logits, np.float64)
    if truth.all() or not truth.any():
        raise ValueError("a temperature needs positives and negatives")
    low, high = np.log(TEMPERATURES)
    best = minimize_scalar(
        lambda t: log_loss(truth, sigmoid(x / np.exp(t))), bounds=(low, high), method="bounded"
    )
    return float(np.exp(best.x))


def fit_threshold(y: ArrayLike, prob: ArrayLike, point: OperatingPoint) -> float:
    """The threshold that reaches the operating point on these cases.

    It lies half way to the next score that would be called wrongly, so that a new case like
    the last one still falls on its side.
    """
    truth, p = np.asarray(y, bool), np.asarray(prob, np.float64)
    if point.measure == "sensitivity":
        edge = threshold_at_sensitivity(truth, p, point.value)
        below = p[p < edge]
        return float(edge if below.size == 0 else (edge + below.max()) / 2)
    edge = threshold_at_specificity(truth, p, point.value)
    above = p[p >= edge]
    below = p[p < edge]
    if above.size == 0 or below.size == 0:
        return edge
    return float((above.min() + below.max()) / 2)
