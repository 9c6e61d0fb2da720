"""Temperatures are found again, thresholds reach what was asked, few cases are refused."""

from __future__ import annotations

import numpy as np
import pytest

from ich_cli.errors import UsageError
from ich_cli.evaluation.fit import (
    OperatingPoint,
    fit_temperature,
    fit_threshold,
    logit,
    needed_cases,
    parse_point,
    sigmoid,
)


def test_a_known_temperature_is_found_again() -> None:
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 2, 20_000)
    y = rng.random(20_000) < sigmoid(honest)
    assert fit_temperature(y, honest * 3) == pytest.approx(3, rel=0.05)
    assert fit_temperature(y, honest) == pytest.approx(1, rel=0.05)


def test_logit_and_sigmoid_are_inverse() -> None:
    p = np.array([0.001, 0.3, 0.5, 0.999])
    assert sigmoid(logit(p)) == pytest.approx(p)
    assert np.isfinite(logit([0.0, 1.0])).all()


@pytest.mark.parametrize("value", [0.8, 0.9, 0.95])
def test_thresholds_reach_the_operating_point(value: float) -> None:
    rng = np.random.default_rng(1)
    y = rng.random(400) < 0.4
    p = sigmoid(rng.normal(np.where(y, 1.0, -1.0)))
    at = fit_threshold(y, p, OperatingPoint("sensitivity", value))
    assert value <= (p[y] >= at).mean() < value + 0.02
    at = fit_threshold(y, p, OperatingPoint("specificity", value))
    assert value <= (p[~y] < at).mean() < value + 0.02


def test_needed_cases_grow_with_the_target_and_shrink_with_tolerance() -> None:
    assert needed_cases(0.95, 0.05) > needed_cases(0.95) > needed_cases(0.95, 0.2)
    from ich_cli.evaluation.proportions import wilson

    n = needed_cases(0.95)
    interval = wilson(int(0.95 * n), n)
    assert interval is not None
    assert interval.low >= 0.85


def test_operating_points_in_words() -> None:
    assert parse_point("sensitivity=0.95") == OperatingPoint("sensitivity", 0.95)
    for text in ("0.95", "sensitivity=1", "sensitivity=x", "auc=0.9"):
        with pytest.raises(UsageError, match="write sensitivity"):
            parse_point(text)
