"""Logits to calibrated probabilities."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from ich_cli.domain import FloatArray
from ich_cli.models.card import Calibration


def sigmoid(logits: FloatArray) -> FloatArray:
    """Logistic function; no overflow, exact for small probabilities."""
    return np.asarray(expit(np.asarray(logits, np.float32)), np.float32)


def calibrate(logits: FloatArray, calibration: Calibration) -> FloatArray:
    """``sigmoid((logit + bias) / temperature)`` over the last axis, in the labels' order."""
    bias = np.array(calibration.bias, np.float32)
    temperature = np.array(calibration.temperature, np.float32)
    return sigmoid((logits + bias) / temperature)
