"""What networks said of slices that they never saw, as :mod:`training.teach` keeps it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.special import expit


def said(*paths: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Keys and logits by architecture, and the mean of those that spoke; files of one cache."""
    logits: dict[str, np.ndarray] = {}
    for path in paths:
        logits |= {k: v if k == "key" else v.astype(np.float32) for k, v in np.load(path).items()}
    keys = logits.pop("key")
    each = np.stack(list(logits.values()))
    count = np.isfinite(each).sum(0)
    logits = dict(sorted(logits.items()))
    logits["mean"] = np.where(count > 0, np.nansum(each, 0) / np.maximum(count, 1), np.nan)
    spoken = {name: np.isfinite(values).all(1) for name, values in logits.items()}
    return {name: (keys[spoken[name]], logits[name][spoken[name]]) for name in logits}


def opinions(*paths: Path) -> dict[str, np.ndarray]:
    """Key of a slice → mean probabilities ``(6,)``."""
    keys, logits = said(*paths)["mean"]
    return dict(zip(keys.tolist(), expit(logits), strict=True))
