"""Logits to calibrated probabilities."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_expit, logit

from ich_cli.domain import FloatArray
from ich_cli.models.card_parts import Calibration

LEAST = 1e-7
"""Nearer to 0 or 1 counts as so near: float32 has no number much nearer to 1."""


def sigmoid(logits: FloatArray) -> FloatArray:
    """Logistic function; no overflow, exact for small probabilities."""
    return np.asarray(expit(np.asarray(logits, np.float32)), np.float32)


def calibrate(logits: FloatArray, calibration: Calibration) -> FloatArray:
    """Probabilities of logits ``(…, 6)`` in the labels' order, see :class:`Calibration`."""
    if calibration.gate:
        logits = gated(logits, calibration.gate)
    bias = np.array(calibration.bias, np.float32)
    temperature = np.array(calibration.temperature, np.float32)
    return sigmoid((logits + bias) / temperature)


def gated(logits: FloatArray, weight: float) -> FloatArray:
    """Logits ``(…, 6)`` whose subtypes' probabilities are multiplied by that of any blood.

    Networks tell whether there is blood better than of which kind it is; and there is no
    kind without blood. ``weight`` is the power of the factor, 0 (none) to 1 (all of it).
    """
    log_p = log_expit(np.asarray(logits, np.float64))
    log_p = np.minimum(log_p[..., 1:] + weight * log_p[..., :1], -LEAST)
    of_kinds = log_p - np.log(-np.expm1(log_p))
    return np.concatenate([logits[..., :1], of_kinds], axis=-1, dtype=np.float32)


def logits(probs: FloatArray) -> FloatArray:
    """Back from probabilities 0…1, any shape; finite, within ±16.2."""
    return np.asarray(logit(np.clip(probs.astype(np.float64), LEAST, 1.0 - LEAST)), np.float32)
