"""Fit what a card says beside the weights: temperatures, thresholds, mask thresholds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit

from ich_cli.findings.aggregate import pool_slices
from ich_cli.findings.policy import Policy
from ich_cli.models.calibration import calibrate, logits
from ich_cli.models.card_parts import Calibration
from training.data.sets import LONE, MIXED, STACKS
from training.data.sources import LABEL_COLUMNS
from training.judging.heldout import ASSUMED_SLICE_MM, Prediction

SCAN_SENSITIVITY = 0.95
SLICE_SPECIFICITY = 0.90
SUBTYPE_SPECIFICITY = 0.975


def fit_probability(raw: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Temperature and bias of ``p = sigmoid((logit + bias) / temperature)``.

    Few positives are pulled towards doing nothing (temperature 1, bias 0).
    """

    def cost(x: np.ndarray) -> float:
        p = expit((raw + x[1]) / np.exp(x[0])).clip(1e-6, 1 - 1e-6)
        loss = -(truth * np.log(p) + (1 - truth) * np.log(1 - p)).sum()
        return float(loss + 2.0 * x[0] ** 2 + 0.1 * x[1] ** 2)

    best = minimize(cost, np.zeros(2), method="Nelder-Mead").x
    return float(np.exp(best[0])), float(best[1])


def fit(found: Prediction, gate: float = 0.0) -> dict[str, float | list[float]]:
    """A card's ``calibration``: temperature and bias of each label on natural held-out slices.

    A label with under 10 natural positives also uses the CT-ICH stacks of the fold. ``found``
    has uncalibrated probabilities.
    """
    found = applied(found, {"gate": gate})
    temperature, bias = [], []
    for k, name in enumerate(LABEL_COLUMNS):
        natural = found.table.source.isin((*LONE, "rsna_scans"))
        if found.table[natural][name].sum() < 10:
            natural |= found.table.source == "ctich"
        chosen = (natural & (found.table[name] >= 0)).to_numpy()
        t, b = fit_probability(logits(found.probs[chosen, k]), found.table[name].to_numpy()[chosen])
        temperature.append(round(t, 4))
        bias.append(round(b, 4))
    return ({"gate": gate} if gate else {}) | {"temperature": temperature, "bias": bias}


def applied(found: Prediction, fields: Mapping[str, float | list[float]]) -> Prediction:
    """The same slices, uncalibrated, by a card's ``calibration``."""
    probs = calibrate(logits(found.probs), Calibration.model_validate(fields))
    return Prediction(found.table, probs.astype(np.float64))


def slice_thresholds(found: Prediction) -> list[float]:
    """For each label the probability that most natural slices without it stay below.

    ``SLICE_SPECIFICITY`` of them for any blood, ``SUBTYPE_SPECIFICITY`` for a subtype: it
    is rare, so that of the slices called at .90 two in three would lack it.
    """
    natural = found.table.source.isin((*LONE, "rsna_scans")).to_numpy()
    out = []
    for k, name in enumerate(LABEL_COLUMNS):
        without = natural & (found.table[name] == 0).to_numpy()
        share = SUBTYPE_SPECIFICITY if k else SLICE_SPECIFICITY
        out.append(round(float(np.quantile(found.probs[without, k], share)), 4))
    return out


def scan_table(found: Prediction, rank: int) -> pd.DataFrame:
    """One row a stack: truth by label (any slice) and the probability pooled as a scan's is."""
    policy = Policy(pooling="rank", rank=rank)
    rows = []
    stacks = found.table[found.table.source.isin(STACKS)]
    for (source, patient), part in stacks.groupby(["source", "patient"]):
        lengths = np.full(len(part), ASSUMED_SLICE_MM, np.float32)
        pooled = pool_slices(found.probs[part.index], lengths, policy)
        truth = part[list(LABEL_COLUMNS)].clip(0).max()
        row = {"source": source, "patient": patient}
        row |= {f"y_{n}": int(truth[n]) for n in LABEL_COLUMNS}
        row |= {f"s_{n}": pooled[k] for k, n in enumerate(LABEL_COLUMNS)}
        rows.append(row)
    return pd.DataFrame(rows)


def scan_thresholds(found: Prediction, scans: pd.DataFrame) -> list[float]:
    """Scan probability from which a label is called.

    ``any``: what ``SCAN_SENSITIVITY`` of the bleeding ones of ``scans`` (see
    :func:`scan_table`) reach, but not below the slice threshold, where a few odd scans would
    have everything called. A subtype: as a slice's.
    """
    mixed = scans[scans.source.isin(MIXED)]
    by_slice = slice_thresholds(found)
    reached = float(np.quantile(mixed[mixed.y_any == 1].s_any, 1 - SCAN_SENSITIVITY))
    return [round(max(reached, by_slice[0]), 4), *by_slice[1:]]
