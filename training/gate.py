"""How much blood of any kind must be there for one kind to be: the ``gate`` of the cards.

    python -m training.gate CACHE training/results/out-of-fold.npz

Prints, by the gate's weight and of networks that never saw a slice, the mean AUC of the five
kinds twice: among all slices (is it there?) and among those that bleed (which is it?). A
gate makes use of what the network says of any blood, and so gains the first and costs the second.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from ich_cli.models.calibration import gated, logits
from training.data.opinions import said
from training.data.sets import SETS
from training.data.sources import LABEL_COLUMNS
from training.fivefold import out_of_fold

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)


def mean_auc(truth: np.ndarray, score: np.ndarray) -> float:
    """Mean AUC of the kinds ``(n, 5)`` that some slices have and others lack."""
    there = [k for k in range(truth.shape[1]) if 0 < truth[:, k].sum() < len(truth)]
    return float(np.mean([roc_auc_score(truth[:, k], score[:, k]) for k in there]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("oof", type=Path, nargs="+")
    args = parser.parse_args()
    print(f"| network, gate | {' | '.join(SETS)} |\n{'|---' * (len(SETS) + 1)}|")
    for name, answers in said(*args.oof).items():
        found = out_of_fold(args.cache, *answers)
        truth = found.table[list(LABEL_COLUMNS)].to_numpy() == 1
        for weight in WEIGHTS:
            score = gated(logits(found.probs), weight)
            cells = []
            for sources in SETS.values():
                here = found.table.source.isin(sources).to_numpy()
                bleeds = here & truth[:, 0]
                areas = (mean_auc(truth[rows, 1:], score[rows, 1:]) for rows in (here, bleeds))
                cells.append(", ".join(f"{area:.3f}" for area in areas))
            print(f"| {name}, {weight} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
