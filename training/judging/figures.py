"""The figures of one network on one set: by slice, by scan, and on outlined slices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from ich_cli.domain import Interval
from ich_cli.evaluation.bootstrap import clustered_bootstrap
from ich_cli.evaluation.calibration import rsna_log_loss
from ich_cli.evaluation.discrimination import delong_interval, sensitivity_at_specificity
from training.data.sets import MIXED
from training.data.sources import LABEL_COLUMNS
from training.judging.calibration import scan_table
from training.judging.heldout import MASK_THRESHOLDS, Outlined, Prediction, dice
from training.judging.mask_limits import kind_dice


def slice_figures(found: Prediction, wanted: Iterable[str]) -> dict:
    """How each label is told on the slices of the sources ``wanted``.

    A label that all of them have, or none, is left out.
    """
    rows = found.table.source.isin(tuple(wanted)).to_numpy()
    table, probs = found.table[rows], found.probs[rows]
    truth = table[list(LABEL_COLUMNS)].to_numpy()
    patients = table.patient.to_numpy(str)
    out: dict[str, object] = {"n": len(table), "patients": len(set(patients))}
    aucs = []
    for k, label in enumerate(LABEL_COLUMNS):
        y = truth[:, k] == 1
        if not 0 < y.sum() < len(y):
            continue
        auc = delong_interval(y, probs[:, k], clusters=patients)
        if k:
            aucs.append(auc.value)
        out[label] = {"positives": int(y.sum()), "auc": show(auc)}
    out["macro auc"] = rounded(np.mean(aucs))
    y = truth[:, 0] == 1
    at = clustered_bootstrap(
        lambda i: sensitivity_at_specificity(y[i], probs[i, 0], 0.9), patients, 500
    )
    out["sensitivity at specificity .90"] = show(at)
    out["rsna log-loss"] = rounded(rsna_log_loss(truth == 1, probs))
    return out


def scan_figures(found: Prediction, rank: int, threshold: float) -> dict:
    """AUC of any blood over scans, and how many are called at ``threshold``, by what they are."""
    scans = scan_table(found, rank)
    mixed = scans[scans.source.isin(MIXED)]
    natural = scans[scans.source == "rsna_scans"]

    def called(group: pd.DataFrame) -> str:
        return f"{int((group.s_any >= threshold).sum())}/{len(group)}"

    return {
        "n": len(mixed),
        "positives": int(mixed.y_any.sum()),
        "auc": scan_auc(mixed),
        "called, with blood": called(mixed[mixed.y_any == 1]),
        "called, without blood": called(mixed[mixed.y_any == 0]),
        "called, natural scans without blood": called(natural[natural.y_any == 0]),
        "called, phe_sich": called(scans[scans.source == "phe_sich"]),
    }


def scan_auc(scans: pd.DataFrame) -> list[float | None] | None:
    """AUC of any blood over scans, see :func:`training.judging.calibration.scan_table`."""
    return show(delong_interval(scans.y_any.to_numpy(), scans.s_any.to_numpy()))


def outline_figures(found: Outlined, limits: Sequence[float]) -> dict:
    """``bhsd_mini``; EDH is reported but left out of the macro (its outlines are unreliable).

    ``limits`` are the card's six mask thresholds. "dice" takes each mask alone at the union's,
    "dice as drawn" gives every pixel one kind, as a report does.
    """
    out: dict[str, object] = {"n": len(found.names)}
    aucs = []
    at = int(np.abs(MASK_THRESHOLDS - limits[0]).argmin())
    overlaps, drawn = dice(found.overlap), kind_dice(found, limits)
    for k, label in enumerate(LABEL_COLUMNS):
        y = found.labels[:, k]
        row: dict[str, object] = {"slices": int(y.sum()), "dice": rounded(overlaps[at, k])}
        if k:
            row["dice as drawn"] = rounded(drawn[k])
            auc = delong_interval(y, found.probs[:, k])
            row["auc"] = show(auc)
            if label != "edh":
                aucs.append(auc.value)
        out[label] = row
    out["macro auc without EDH"] = rounded(np.mean(aucs))
    out["pointing game"] = f"{int(found.pointing.sum())}/{len(found.pointing)}"
    out["mask threshold"] = limits[0]
    return out


def show(value: Interval | None) -> list[float | None] | None:
    """Value, low, high; an end that nobody knows is null."""
    return None if value is None else [rounded(v) for v in (value.value, value.low, value.high)]


def rounded(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
