"""Calibration by small sums done by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ich_cli.evaluation.calibration import (
    brier,
    expected_calibration_error,
    log_loss,
    reliability,
    rsna_log_loss,
)


def test_brier_by_hand() -> None:
    assert brier([1, 0, 1], [0.9, 0.2, 0.6]) == pytest.approx((0.01 + 0.04 + 0.16) / 3)


def test_ece_by_hand() -> None:
    # two bins of width .5: (.1, .3 | 0 right), (.8, .9 | 1 of 2)
    y, p = [0, 0, 1, 0], [0.1, 0.3, 0.8, 0.9]
    assert expected_calibration_error(y, p, 2) == pytest.approx(0.5 * 0.2 + 0.5 * 0.35)


def test_reliability_leaves_out_empty_bins_and_keeps_1_in_the_last() -> None:
    bins = reliability([0, 1, 1], [0.05, 1.0, 0.95])
    assert [(b.low, b.n, b.observed.value) for b in bins] == [(0.0, 1, 0.0), (0.9, 2, 1.0)]


def test_perfectly_calibrated_probabilities_have_almost_no_error() -> None:
    generator = np.random.default_rng(0)
    p = generator.random(50_000)
    assert expected_calibration_error(generator.random(50_000) < p, p) < 0.01


def test_log_loss_by_hand() -> None:
    assert log_loss([1, 0], [0.5, 0.5]) == pytest.approx(np.log(2))


def test_rsna_counts_any_twice() -> None:
    y = np.zeros((1, 6))
    p = np.array([[0.5, 0, 0, 0, 0, 0]])
    assert rsna_log_loss(y, p) == pytest.approx(2 / 7 * np.log(2))
