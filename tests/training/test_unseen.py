"""A hospital that a network never saw is read whole, one that it saw only on the held-out fold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="needs the training extra (PyTorch)")
pytest.importorskip("cv2", reason="needs the training extra (OpenCV)")

from training.data.sources import LABEL_COLUMNS
from training.judging.heldout import Prediction
from training.unseen import rows


def everyone() -> Prediction:
    """Six lone slices and two scans of four slices a fold, each with its true label."""
    lines = []
    for fold in range(5):
        lines += [("rsna_slices", f"lone {fold} {k}", 0, fold, k % 2) for k in range(6)]
        lines += [("rsna_scans", f"scan {fold} {n}", z, fold, n) for n in (0, 1) for z in range(4)]
        lines += [("ctich", f"ct {fold} {n}", z, fold, n) for n in (0, 1) for z in range(4)]
    table = pd.DataFrame(lines, columns=["source", "patient", "index", "fold", "any"])
    for name in LABEL_COLUMNS:
        table[name] = table["any"]
    return Prediction(table, np.repeat(table[["any"]].to_numpy() * 0.8 + 0.1, 6, 1))


def test_sources_that_were_seen_are_read_on_the_fold_alone() -> None:
    lines = [[cell.strip() for cell in line.split("|")] for line in rows("net", everyone(), [])]
    assert [line[1].split(", ")[-1] for line in lines] == ["fold"] * 3
    assert [line[3] for line in lines] == ["6, 6", "8, 2", "8, 2"]


def test_a_source_that_was_not_is_read_whole_and_scan_by_scan() -> None:
    *_, last = rows("net", everyone(), ["ctich"])
    cells = [cell.strip() for cell in last.split("|")]
    assert cells[1:4] == ["CT-ICH, by slice, all", "net", "40, 10"]
    assert cells[4].startswith("1.000")
    assert cells[6].startswith("1.000")
