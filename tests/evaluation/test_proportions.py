"""Proportions against published examples."""

from __future__ import annotations

import numpy as np
import pytest

from ich_cli.evaluation.proportions import (
    Confusion,
    confusion,
    precision_recall_f1,
    predictive_values,
    wilson,
)


@pytest.mark.parametrize(
    ("count", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_newcombe_1998_table_i(count: int, n: int, low: float, high: float) -> None:
    interval = wilson(count, n)
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=5e-5)


def test_a_proportion_of_nothing_is_unknown() -> None:
    assert wilson(0, 0) is None
    assert Confusion(0, 0, 0, 5).sensitivity is None


def test_predictive_values_as_altman_and_bland_1994() -> None:
    # liver scan: 231 of 258 abnormal and 54 of 86 normal called right
    table = Confusion(tp=231, fn=27, fp=32, tn=54)
    assert table.ppv is not None
    assert table.npv is not None
    assert table.ppv.value == pytest.approx(0.88, abs=0.005)
    assert table.npv.value == pytest.approx(0.67, abs=0.005)
    sensitivity, specificity = 231 / 258, 54 / 86
    ppv, npv = predictive_values(sensitivity, specificity, 0.25)
    assert ppv == pytest.approx(0.45, abs=0.005)
    assert npv == pytest.approx(0.95, abs=0.005)
    at_own, _ = predictive_values(sensitivity, specificity, 258 / 344)
    assert at_own == pytest.approx(table.ppv.value)


def test_predictive_values_that_are_not_defined() -> None:
    assert predictive_values(0.0, 1.0, 0.5) == (None, pytest.approx(0.5))
    with pytest.raises(ValueError, match="prevalence"):
        predictive_values(0.9, 0.9, 1.2)


def test_confusion_counts() -> None:
    assert confusion([1, 1, 0, 0, 0], [1, 0, 1, 0, 0]) == Confusion(1, 1, 1, 2)


def test_macro_is_the_mean_over_labels() -> None:
    y = np.array([[1, 0], [1, 0], [0, 1], [0, 0]])
    call = np.array([[1, 0], [0, 0], [0, 0], [0, 0]])
    macro = precision_recall_f1(y, call)
    assert (macro.precision, macro.recall) == (0.5, 0.25)
    assert macro.f1 == pytest.approx((2 / 3 + 0) / 2)
    assert precision_recall_f1(y[:, 0], call[:, 0]).f1 == pytest.approx(2 / 3)
