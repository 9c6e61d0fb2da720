"""Where a network's masks become blood, and of which kind: the mask thresholds of a card.

A voxel is blood by the union mask alone; its kind is the subtype whose odds, averaged over the
blood around, stand highest against those of its own threshold
(:func:`ich_cli.findings.labels.resolve_labels`). So the subtypes' thresholds compete, and
fitting each alone lets the lowest win every voxel. They are fitted together here, by the Dice
of the kinds as they would be drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ich_cli.findings.kinds import log_odds, shared_evidence
from training.data import bhsd
from training.data.sources import LABEL_COLUMNS
from training.judging.heldout import MASK_THRESHOLDS, Outlined, dice

EDH = LABEL_COLUMNS.index("edh")
ENOUGH = 5
"""A label with fewer outlines is not fitted, nor EDH, whose outlines are unreliable."""

SWEEPS = 2


def mask_thresholds(drawn: Outlined) -> list[float]:
    """Six thresholds: the union's by its own Dice, then the subtypes' by turns."""
    union = float(MASK_THRESHOLDS[dice(drawn.overlap)[:, 0].argmax()])
    limits = np.full(len(LABEL_COLUMNS), union)
    evidence = blood_evidence(drawn, union)
    fitted = [k for k in range(1, 6) if k != EDH and drawn.labels[:, k].sum() >= ENOUGH]
    for _ in range(SWEEPS):
        for k in fitted:
            tried = [np.where(np.arange(6) == k, t, limits) for t in MASK_THRESHOLDS]
            scores = [np.mean(kind_dice(drawn, t, evidence)[fitted]) for t in tried]
            best = int(np.argmax(scores))
            if scores[best] > np.mean(kind_dice(drawn, limits, evidence)[fitted]) + 1e-9:
                limits = tried[best]
    return [round(float(t), 2) for t in limits]


def blood_evidence(drawn: Outlined, union: float) -> list[np.ndarray]:
    """For each slice ``(5, b)``: log-odds of the kinds, averaged over the blood around.

    The ``b`` pixels are those of ``drawn.soft`` that the threshold ``union`` calls blood.
    """
    found = []
    for soft, place in zip(drawn.soft, drawn.place, strict=True):
        mine = soft[:, 0] >= union
        rows, cols = place[:, mine]
        blood = np.zeros(place.max(axis=1, initial=-1) + 1, bool)
        blood[rows, cols] = True
        found.append(shared_evidence(log_odds(soft[mine, 1:].T), blood, (bhsd.PIXEL_MM,) * 2))
    return found


def kind_dice(
    drawn: Outlined,
    limits: Sequence[float] | np.ndarray,
    evidence: list[np.ndarray] | None = None,
) -> np.ndarray:
    """``(6,)`` mean Dice of blood, and of each kind where it is among those of the slice.

    ``evidence`` is that of the union's threshold, where it is at hand.
    """
    limits = np.asarray(limits, np.float64)
    evidence = blood_evidence(drawn, limits[0]) if evidence is None else evidence
    least = log_odds(limits[1:])[:, None]
    found = np.full((len(drawn.names), 6), np.nan)
    for n, (soft, truth) in enumerate(zip(drawn.soft, drawn.truth, strict=True)):
        blood = soft[:, 0] >= limits[0]
        among = drawn.labels[n, 1:, None]
        kind = np.where(among, evidence[n] - least, -np.inf).argmax(0) + 1
        for k in np.flatnonzero(drawn.labels[n]):
            mine = np.full(len(kind), True) if k == 0 else kind == k
            both = mine.sum() + drawn.overlap[n, 0, k, 2]
            found[n, k] = 2 * (mine & truth[blood, k]).sum() / max(both, 1)
    there = np.isfinite(found)
    return np.where(there, found, 0).sum(0) / np.maximum(there.sum(0), 1)
