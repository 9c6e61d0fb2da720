"""Where a network's masks become blood, and of which kind: the mask thresholds of a card.

A voxel is blood by the union mask alone; its kind is the subtype whose odds stand highest
against those of its own threshold (:func:`ich_cli.findings.labels.resolve_labels`). So the
subtypes' thresholds compete, and fitting each alone lets the lowest win every voxel. They
are fitted together here, by the Dice of the kinds as they would be drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.heldout import MASK_THRESHOLDS, Outlined, dice
from training.sources import LABEL_COLUMNS

EDH = LABEL_COLUMNS.index("edh")
ENOUGH = 5
"""A label with fewer outlines is not fitted, nor EDH, whose outlines are unreliable."""

SWEEPS = 2


def mask_thresholds(drawn: Outlined) -> list[float]:
    """Six thresholds: the union's by its own Dice, then the subtypes' by turns."""
    union = float(MASK_THRESHOLDS[dice(drawn.overlap)[:, 0].argmax()])
    limits = np.full(len(LABEL_COLUMNS), union)
    fitted = [k for k in range(1, 6) if k != EDH and drawn.labels[:, k].sum() >= ENOUGH]
    for _ in range(SWEEPS):
        for k in fitted:
            tried = [np.where(np.arange(6) == k, t, limits) for t in MASK_THRESHOLDS]
            scores = [np.mean(kind_dice(drawn, t)[fitted]) for t in tried]
            best = int(np.argmax(scores))
            if scores[best] > np.mean(kind_dice(drawn, limits)[fitted]) + 1e-9:
                limits = tried[best]
    return [round(float(t), 2) for t in limits]


def kind_dice(drawn: Outlined, limits: Sequence[float] | np.ndarray) -> np.ndarray:
    """``(6,)`` mean Dice of blood, and of each kind where it is among those of the slice."""
    limits = np.asarray(limits, np.float64)
    scale = limits[1:] / (1 - limits[1:])
    found = np.full((len(drawn.names), 6), np.nan)
    for n, (soft, truth) in enumerate(zip(drawn.soft, drawn.truth, strict=True)):
        blood = soft[:, 0] >= limits[0]
        odds = soft[:, 1:].astype(np.float64)
        odds = odds / np.maximum(1 - odds, 1e-6) / scale
        kind = np.where(drawn.labels[n, 1:], odds, -1.0).argmax(1) + 1
        for k in np.flatnonzero(drawn.labels[n]):
            mine = blood if k == 0 else blood & (kind == k)
            both = mine.sum() + drawn.overlap[n, 0, k, 2]
            found[n, k] = 2 * (mine & truth[:, k]).sum() / max(both, 1)
    there = np.isfinite(found)
    return np.where(there, found, 0).sum(0) / np.maximum(there.sum(0), 1)
