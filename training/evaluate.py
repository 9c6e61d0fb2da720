"""Every number of the cards and of results/held-out.md, from the committed ONNX files.

    python -m training.evaluate --data DATA --work FOLDER --page FILE.md resnet vit both

Each network's predictions on the held-out fold are kept in FOLDER by its card's fingerprint,
so that a second call only makes the tables. Writes FOLDER/metrics.json, and the tables as
Markdown to FILE.md.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from ich_cli.evaluation.agreement import mcnemar
from ich_cli.evaluation.discrimination import delong_interval, delong_test
from training.calibration_plot import calibration_figures
from training.data.sets import LONE, SETS
from training.judging.figures import outline_figures, rounded, scan_figures, show, slice_figures
from training.judging.heldout import Prediction, kept, open_network, outlined
from training.judging.subgroups import brain_shares, subgroups

TABLES = (*SETS, "scans", "bhsd_mini", "calibration")

HELD_OUT_PAGE = """# The shipped networks on the held-out fold

Made by `make evaluate-weights`; training/RESULTS.md says how to read it. Intervals are 95 %, by
patient. The fold was never trained on, but temperatures, thresholds and choices between
recipes come from it (mask thresholds from `bhsd_mini`): only ranking is free of that.
Research use only; not a medical device."""


def evaluate(name: str, data: Path, work: Path) -> tuple[dict, Prediction]:
    """All figures of one network, JSON-able, and its predictions."""
    network = open_network(name)
    found = kept(network, data, work)
    drawn = outlined(network, data)
    card = network.card
    figures: dict[str, object] = {"sha256": card.sha256, "fold": "held-out fold, by patient"}
    for title, wanted in SETS.items():
        figures[title] = slice_figures(found, wanted)
    figures["scans"] = scan_figures(found, card.scan.rank, card.thresholds.scan[0])
    figures["bhsd_mini"] = outline_figures(drawn, card.thresholds.mask)
    figures["calibration"] = calibration_figures(found)
    figures["subgroups"] = subgroups(found, drawn, card, brain_shares(data))
    figures["seconds per 36-slice scan"] = _seconds(network)
    return figures, found


def compare(found: dict[str, Prediction]) -> dict:
    """The networks, and their mean, on the same natural slices: DeLong, McNemar."""
    first = next(iter(found.values()))
    rows = first.table.source.isin(LONE).to_numpy()
    y = (first.table[rows]["any"] == 1).to_numpy()
    patients = first.table[rows].patient.to_numpy(str)
    scores = {name: p.probs[rows, 0] for name, p in found.items()}
    if "both" not in scores:  # which is a mean already
        scores["mean"] = np.mean(list(scores.values()), 0)
    out = {
        name: {"auc": show(delong_interval(y, s, clusters=patients))} for name, s in scores.items()
    }
    names = list(scores)
    right = {n: (s >= np.quantile(s[~y], 0.9)) == y for n, s in scores.items()}
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            test = delong_test(y, scores[a], scores[b], clusters=patients)
            pair = mcnemar(right[a], right[b])
            out[f"{a} vs {b}"] = {"delong p": rounded(test.p), "mcnemar p": rounded(pair.p)}
    return out


def _seconds(network) -> float:
    hu = np.random.default_rng(0).normal(30, 10, (36, 512, 512)).astype(np.float32)
    network.predict(hu[:4], (5.0, 0.45, 0.45))
    begin = time.perf_counter()
    network.predict(hu, (5.0, 0.45, 0.45))
    return round(time.perf_counter() - begin, 2)


def markdown(figures: dict[str, dict], titles: Iterable[str] = TABLES) -> str:
    """One table a set, one column a network."""
    names = [n for n in figures if n != "comparison"]
    lines = []
    for title in titles:
        flat = {n: pd.json_normalize(figures[n][title], sep=" ").iloc[0].to_dict() for n in names}
        lines += [f"\n## {title}\n", f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
        for key in dict.fromkeys(k for f in flat.values() for k in f):
            cells = " | ".join(cell(flat[n].get(key)) for n in names)
            lines.append(f"| {key} | {cells} |")
    for name in names:
        if "subgroups" in figures[name]:
            lines.append(subgroup_markdown(name, figures[name]["subgroups"]))
    if "comparison" in figures:
        lines.append("\n## Networks against each other, natural slices\n")
        lines += [f"* {k}: {json.dumps(v)}" for k, v in figures["comparison"].items()]
    return "\n".join(lines)


def write_page(path: Path, head: str, tables: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{head}\n{tables}\n", encoding="utf-8")


def subgroup_markdown(name: str, groups: dict) -> str:
    """One table a network, one row a group, one column a figure."""
    rows = [
        (f"{title}: {group}", row)
        for title, part in groups.items()
        if isinstance(part, dict)
        for group, row in part.items()
        if isinstance(row, dict)
    ]
    columns = list(dict.fromkeys(key for _, row in rows for key in row))
    lines = [
        f"\n## Subgroups, any blood: {name} (slice threshold {groups['slice threshold']})\n",
        f"| | {' | '.join(columns)} |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for title, row in rows:
        lines.append(f"| {title} | {' | '.join(cell(row.get(c)) for c in columns)} |")
    return "\n".join(lines)


def cell(value: object) -> str:
    """A figure, or one with its interval, as a table shows it."""
    if isinstance(value, list):
        middle, low, high = ("?" if v is None else f"{v:.3f}" for v in value)
        return middle if low == high == "?" else f"{middle} ({low}–{high})"
    return "" if value is None else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--page", type=Path, required=True)
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
    shas = ", ".join(f"{n} {f['sha256'][:16]}" for n, f in figures.items() if "sha256" in f)
    write_page(args.page, f"{HELD_OUT_PAGE} Networks: {shas}.", markdown(figures))


if __name__ == "__main__":
    main()
