"""Every patient read by networks that never saw him: the figures that rest on all the data.

    python -m training.fivefold CACHE training/results/out-of-fold.npz --page FILE.md

The answers are made by :mod:`training.series` with one network a fold and architecture.
Calibration and thresholds of each fold come from the other four, so that nothing here was
fitted on what it is measured on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from ich_cli.evaluation.bootstrap import clustered_bootstrap
from ich_cli.evaluation.proportions import precision_recall_f1
from ich_cli.models.neighbours import lean_on_neighbours
from training.data.opinions import said
from training.data.sets import LONE, SETS, STACKS
from training.data.sources import LABEL_COLUMNS
from training.evaluate import markdown, write_page
from training.judging import calibration
from training.judging.figures import rounded, scan_figures, show, slice_figures
from training.judging.heldout import Prediction

NEIGHBOURS = 0.2
"""Weight of an adjacent slice's logits in a stack, as in the cards; chosen on these folds."""

RANK = 2
"""A scan's probability is that of its slice of this rank, as in the cards (training.scan_head)."""

GATE = 0.5
"""How much blood of any kind must be there for one kind to be, as in the cards; chosen here too."""

TABLES = (*SETS, "scans", "calls", "kinds of scans", "kinds of natural slices")
PAGE = """# Every patient read by networks that never saw him

Made by `make five-fold` from `out-of-fold.npz`: what the networks of `training/plans` said, each
trained for 78 s on half of one NVIDIA H200 (some 440 steps of 128 samples for the ViT, 560 for the
ResNet) from public weights. Fold 3 is read by networks that saw the four others, each other fold
by networks that saw three, without fold 3: they are the teachers of the networks that ship.
`mean` is the mean of their logits. Calibration and thresholds of each fold come from the other
four. "scans" calls at one threshold fitted on all of them, "calls" and "kinds" at those of the
other folds; a scan has a kind only where it is called for any blood, as in a report. Intervals are
95 %, by patient. Research use only; not a medical device."""


def out_of_fold(cache: Path, keys: np.ndarray, logits: np.ndarray) -> Prediction:
    """Logits, in stacks read with their neighbours, as uncalibrated probabilities.

    The table has the slices' folds; its stacks are in order.
    """
    table = pd.read_csv(cache / "index.csv")
    table = table[table.source.isin((*LONE, *STACKS)) & table.key.isin(keys)]
    table = table.sort_values(["source", "patient", "index"]).reset_index(drop=True)
    row_of = {key: row for row, key in enumerate(keys.tolist())}
    logits = logits[[row_of[key] for key in table.key]]
    stacks = table[table.source.isin(STACKS)].groupby(["source", "patient"])
    for rows in stacks.groups.values():
        logits[rows] = lean_on_neighbours(logits[rows], 1, NEIGHBOURS)
    keep = ["key", "source", "patient", "index", "fold", *LABEL_COLUMNS]
    return Prediction(table[keep], expit(logits.astype(np.float64)))


def calibrated(found: Prediction) -> Prediction:
    """Each fold by temperatures and biases that were fitted on the others."""
    probs = np.empty_like(found.probs)
    for here in _folds(found):
        fitted = calibration.fit(_part(found, ~here), GATE)
        probs[here] = calibration.applied(_part(found, here), fitted).probs
    return Prediction(found.table, probs)


def figures(found: Prediction) -> dict[str, object]:
    """The tables of :mod:`training.evaluate`, and calls at thresholds of the other folds."""
    out: dict[str, object] = {title: slice_figures(found, wanted) for title, wanted in SETS.items()}
    at = _thresholds(found)[0]
    out["scans"] = scan_figures(found, RANK, at) | {"threshold": round(at, 4)} | _price(found)
    calls = called_scans(found)
    frank = calls.source == "phe_sich"
    groups = {
        "bleeding": calls[(calls.y_any == 1) & ~frank],
        "without blood": calls[(calls.y_any == 0) & ~frank],
        "natural without blood": calls[(calls.y_any == 0) & (calls.source == "rsna_scans")],
        "phe_sich, all of which bleed": calls[frank],
    }
    out["calls"] = {name: f"{int(k.c_any.sum())}/{len(k)}" for name, k in groups.items()}
    out["kinds of scans"] = kind_figures(calls[~frank])
    out["kinds of natural slices"] = kind_figures(called_slices(found))
    return out


def called_scans(found: Prediction) -> pd.DataFrame:
    """A row a scan: truth ``y_…`` and, by the other folds' thresholds, calls ``c_…`` by label."""
    folds = []
    for here in _folds(found):
        scans = calibration.scan_table(_part(found, here), RANK)
        limits = _thresholds(_part(found, ~here))
        for name, limit in zip(LABEL_COLUMNS, limits, strict=True):
            scans[f"c_{name}"] = (scans[f"s_{name}"] >= limit) & (scans.s_any >= limits[0])
        folds.append(scans)
    return pd.concat(folds, ignore_index=True)


def called_slices(found: Prediction) -> pd.DataFrame:
    """A row a natural slice, as :func:`called_scans`."""
    folds = []
    for here in _folds(found):
        mine = _part(found, here)
        limits = calibration.slice_thresholds(_part(found, ~here))
        slices = mine.table.rename(columns={name: f"y_{name}" for name in LABEL_COLUMNS})
        for k, (name, limit) in enumerate(zip(LABEL_COLUMNS, limits, strict=True)):
            slices[f"c_{name}"] = mine.probs[:, k] >= limit
        folds.append(slices[slices.source.isin(LONE)])
    return pd.concat(folds, ignore_index=True)


def kind_figures(calls: pd.DataFrame) -> dict[str, object]:
    """How the five kinds are called, one by one, and the mean of their F1."""
    kinds = LABEL_COLUMNS[1:]
    truth = calls[[f"y_{name}" for name in kinds]].to_numpy() == 1
    called = calls[[f"c_{name}" for name in kinds]].to_numpy(bool)
    out: dict[str, object] = {}
    for k, name in enumerate(kinds):
        with_it, without = called[truth[:, k], k], called[~truth[:, k], k]
        out[f"{name} called"] = f"{with_it.sum()}/{len(with_it)}"
        out[f"{name} called falsely"] = f"{without.sum()}/{len(without)}"
        out[f"{name} F1"] = rounded(precision_recall_f1(truth[:, k], called[:, k]).f1)
    mean = clustered_bootstrap(
        lambda rows: precision_recall_f1(truth[rows], called[rows]).f1, calls.patient, 500
    )
    return out | {"mean F1 of the five": show(mean)}


def _thresholds(found: Prediction) -> list[float]:
    """Scan thresholds of the six labels, as a card's are fitted."""
    return calibration.scan_thresholds(found, calibration.scan_table(found, RANK))


def _price(found: Prediction) -> dict[str, str]:
    """What the stated sensitivity alone would cost, the slice threshold left out of it."""
    scans = calibration.scan_table(found, RANK)
    scans = scans[scans.source != "phe_sich"]
    bleeds, others = scans[scans.y_any == 1].s_any, scans[scans.y_any == 0].s_any
    limit = bleeds.quantile(1 - calibration.SCAN_SENSITIVITY)
    title = f"without blood, called to call {int((bleeds >= limit).sum())} of {len(bleeds)}"
    return {title: f"{int((others >= limit).sum())}/{len(others)}"}


def _folds(found: Prediction):
    """For each fold, which rows are of it."""
    for fold in sorted(found.table.fold.unique()):
        yield (found.table.fold == fold).to_numpy()


def _part(found: Prediction, rows: np.ndarray) -> Prediction:
    return Prediction(found.table[rows].reset_index(drop=True), found.probs[rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("oof", type=Path, nargs="+")
    parser.add_argument("--page", type=Path, required=True)
    args = parser.parse_args()
    results = {
        name: figures(calibrated(out_of_fold(args.cache, *answers)))
        for name, answers in said(*args.oof).items()
    }
    write_page(args.page, PAGE, markdown(results, TABLES))


if __name__ == "__main__":
    main()
