"""Every number of the cards and of RESULTS.md, from the committed ONNX files.

    python -m training.evaluate --data DATA --work FOLDER resnet vit

Each network's predictions on the held-out fold are kept in FOLDER by the weights' sha256,
so that a second call only makes the tables. Prints Markdown; writes FOLDER/metrics.json.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from ich_cli.domain import Interval
from ich_cli.evaluation.agreement import mcnemar
from ich_cli.evaluation.bootstrap import clustered_bootstrap
from ich_cli.evaluation.calibration import rsna_log_loss
from ich_cli.evaluation.discrimination import (
    delong_interval,
    delong_test,
    sensitivity_at_specificity,
)
from training.calibration import scan_table
from training.heldout import (
    LONE,
    MASK_THRESHOLDS,
    Outlined,
    Prediction,
    dice,
    labelled,
    load,
    open_network,
    outlined,
    save,
)
from training.sources import LABEL_COLUMNS

SETS = {
    "natural slices": LONE,
    "whole natural scans, by slice": ("rsna_scans",),
    "CT-ICH, by slice": ("ctich",),
}
TABLES = (*SETS, "scans", "bhsd_mini")


def evaluate(name: str, data: Path, work: Path) -> tuple[dict, Prediction]:
    """All figures of one network, JSON-able, and its predictions."""
    network = open_network(name)
    stored = work / f"{network.card.sha256[:16]}.csv"
    if not stored.exists():
        save(stored, labelled(network, data))
    found = load(stored)
    card = network.card
    figures: dict[str, object] = {"sha256": card.sha256, "fold": "held-out fold, by patient"}
    for title, wanted in SETS.items():
        figures[title] = slice_figures(found, wanted)
    figures["scans"] = scan_figures(found, card.scan.rank, card.thresholds.scan[0])
    figures["bhsd_mini"] = outline_figures(outlined(network, data), card.thresholds.mask[0])
    figures["seconds per 36-slice scan"] = _seconds(network)
    return figures, found


def slice_figures(found: Prediction, wanted: Iterable[str]) -> dict:
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
        aucs.append(auc.value if k else None)
        out[label] = {"positives": int(y.sum()), "auc": _show(auc)}
    out["macro auc"] = _round(np.mean([a for a in aucs if a is not None]))
    y = truth[:, 0] == 1
    at = clustered_bootstrap(
        lambda i: sensitivity_at_specificity(y[i], probs[i, 0], 0.9), patients, 500
    )
    out["sensitivity at specificity .90"] = _show(at)
    out["rsna log-loss"] = _round(rsna_log_loss(truth == 1, probs))
    return out


def scan_figures(found: Prediction, rank: int, threshold: float) -> dict:
    scans = scan_table(found, rank)
    mixed = scans[scans.source.isin(("rsna_scans", "ctich"))]
    natural = scans[scans.source == "rsna_scans"]

    def called(group: pd.DataFrame) -> str:
        return f"{int((group.s_any >= threshold).sum())}/{len(group)}"

    return {
        "n": len(mixed),
        "positives": int(mixed.y_any.sum()),
        "auc": _show(delong_interval(mixed.y_any.to_numpy(), mixed.s_any.to_numpy())),
        "called, with blood": called(mixed[mixed.y_any == 1]),
        "called, without blood": called(mixed[mixed.y_any == 0]),
        "called, natural scans without blood": called(natural[natural.y_any == 0]),
        "called, phe_sich": called(scans[scans.source == "phe_sich"]),
    }


def outline_figures(found: Outlined, threshold: float) -> dict:
    """``bhsd_mini``; EDH is reported but left out of the macro (its outlines are unreliable)."""
    out: dict[str, object] = {"n": len(found.names)}
    aucs = []
    at = int(np.abs(MASK_THRESHOLDS - threshold).argmin())
    overlaps = dice(found.overlap)
    for k, label in enumerate(LABEL_COLUMNS):
        y = found.labels[:, k]
        row: dict[str, object] = {"slices": int(y.sum()), "dice": _round(overlaps[at, k])}
        if k:
            auc = delong_interval(y, found.probs[:, k])
            row["auc"] = _show(auc)
            if label != "edh":
                aucs.append(auc.value)
        out[label] = row
    out["macro auc without EDH"] = _round(np.mean(aucs))
    out["pointing game"] = f"{int(found.pointing.sum())}/{len(found.pointing)}"
    out["mask threshold"] = threshold
    return out


def compare(found: dict[str, Prediction]) -> dict:
    """The networks and their mean on the same natural slices: DeLong, McNemar."""
    first = next(iter(found.values()))
    rows = first.table.source.isin(LONE).to_numpy()
    y = (first.table[rows]["any"] == 1).to_numpy()
    patients = first.table[rows].patient.to_numpy(str)
    scores = {name: p.probs[rows, 0] for name, p in found.items()}
    scores["mean"] = np.mean(list(scores.values()), 0)
    out = {
        name: {"auc": _show(delong_interval(y, s, clusters=patients))} for name, s in scores.items()
    }
    names = list(scores)
    right = {n: (s >= np.quantile(s[~y], 0.9)) == y for n, s in scores.items()}
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            test = delong_test(y, scores[a], scores[b], clusters=patients)
            pair = mcnemar(right[a], right[b])
            out[f"{a} vs {b}"] = {"delong p": _round(test.p), "mcnemar p": _round(pair.p)}
    return out


def _seconds(network) -> float:
    hu = np.random.default_rng(0).normal(30, 10, (36, 512, 512)).astype(np.float32)
    network.predict(hu[:4], (5.0, 0.45, 0.45))
    begin = time.perf_counter()
    network.predict(hu, (5.0, 0.45, 0.45))
    return round(time.perf_counter() - begin, 2)


def _show(value: Interval | None) -> list[float] | None:
    return None if value is None else [_round(value.value), _round(value.low), _round(value.high)]


def _round(value: float) -> float:
    return round(float(value), 4)


def markdown(figures: dict[str, dict], titles: Iterable[str] = TABLES) -> str:
    """One table a set, one column a network."""
    names = [n for n in figures if n != "comparison"]
    lines = []
    for title in titles:
        flat = {n: pd.json_normalize(figures[n][title], sep=" ").iloc[0].to_dict() for n in names}
        lines += [f"\n### {title}\n", f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
        for key in dict.fromkeys(k for f in flat.values() for k in f):
            cells = " | ".join(_cell(flat[n].get(key)) for n in names)
            lines.append(f"| {key} | {cells} |")
    if "comparison" in figures:
        lines.append("\n### Networks against each other, natural slices\n")
        lines += [f"* {k}: {json.dumps(v)}" for k, v in figures["comparison"].items()]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if isinstance(value, list):
        return f"{value[0]:.3f} ({value[1]:.3f}–{value[2]:.3f})"
    return "" if value is None else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("models", nargs="+")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    figures, found = {}, {}
    for name in args.models:
        key = Path(name).stem
        figures[key], found[key] = evaluate(name, args.data, args.work)
    if len(found) > 1:
        figures["comparison"] = compare(found)
    (args.work / "metrics.json").write_text(json.dumps(figures, indent=1))
    print(markdown(figures))


if __name__ == "__main__":
    main()
