from __future__ import annotations

import numpy as np
import pytest

from ich_cli.models.calibration import calibrate, gated, logits, sigmoid
from ich_cli.models.card_parts import Calibration


def test_bias_is_added_before_the_temperature_divides() -> None:
    calibration = Calibration(temperature=(1, 2, 4, 1, 1, 1), bias=(0, 1, 0, 0, 0, -3))
    probs = calibrate(np.full((2, 6), 3.0, np.float32), calibration)
    expected = [3, 2, 0.75, 3, 3, 0]
    np.testing.assert_allclose(probs[1], 1 / (1 + np.exp(-np.array(expected))), rtol=1e-6)


def test_a_kind_is_as_probable_as_itself_times_any_blood() -> None:
    logits = np.array([[-1.0, 3.0, 0.0, -2.0, 0.5, 4.0]], np.float32)
    own, blood = sigmoid(logits), sigmoid(logits[:, :1])
    np.testing.assert_allclose(sigmoid(gated(logits, 1.0))[:, 1:], (own * blood)[:, 1:], rtol=1e-5)
    half = sigmoid(gated(logits, 0.5))
    np.testing.assert_allclose(half[:, 1:], (own * np.sqrt(blood))[:, 1:], rtol=1e-5)
    np.testing.assert_array_equal(half[:, 0], own[:, 0])


def test_the_gate_comes_before_bias_and_temperature() -> None:
    logits = np.array([[-1.0, 3.0, 0.0, -2.0, 0.5, 4.0]], np.float32)
    probs = calibrate(logits, Calibration(gate=0.5, temperature=2.0, bias=1.0))
    np.testing.assert_allclose(probs, sigmoid((gated(logits, 0.5) + 1.0) / 2.0), rtol=1e-6)


def test_a_gate_on_certain_slices_stays_finite() -> None:
    with np.errstate(all="raise"):
        found = gated(np.array([[30.0] * 6, [-30.0] * 6, [16.2, *[-16.2] * 5]], np.float32), 1.0)
    np.testing.assert_allclose(found[1, 1:], -60.0, rtol=1e-5)
    np.testing.assert_allclose(found[2, 1:], -16.2, rtol=1e-5)
    assert np.isfinite(found).all()
    assert found[0, 1:].min() > 16


def test_extreme_logits_neither_overflow_nor_lose_small_probabilities() -> None:
    with np.errstate(all="raise"):
        probs = sigmoid(np.array([-60.0, -20.0, 0.0, 1000.0], np.float32))
    assert probs[1] == pytest.approx(2.0611537e-9, rel=1e-5)
    assert probs[0] > 0
    assert probs[3] == 1


def test_probabilities_go_back_to_logits_which_stay_finite() -> None:
    raw = np.array([-12.0, -1.5, 0.0, 4.0], np.float32)
    np.testing.assert_allclose(logits(sigmoid(raw)), raw, atol=1e-4)
    certain = logits(np.array([0.0, 1.0], np.float32))
    np.testing.assert_allclose(certain, [-16.118, 16.118], atol=1e-3)
