"""Figures over all patients are fitted on none of those that they are measured on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="needs the training extra (PyTorch)")
pytest.importorskip("cv2", reason="needs the training extra (OpenCV)")

from training.data.opinions import said
from training.data.sources import LABEL_COLUMNS
from training.fivefold import calibrated, called_scans, called_slices, figures, kind_figures
from training.judging.heldout import Prediction


def everyone(seed: int = 0) -> Prediction:
    """Two scans and forty lone slices a fold; the networks are right, and too sure."""
    rng = np.random.default_rng(seed)
    rows = []
    for fold in range(5):
        rows += [("rsna_slices", f"lone {fold} {k}", 0, fold, k % 4 == 0) for k in range(40)]
        rows += [("rsna_scans", f"clean {fold}", z, fold, False) for z in range(6)]
        rows += [("ctich", f"bleeds {fold}", z, fold, z > 3) for z in range(6)]
    table = pd.DataFrame(rows, columns=["source", "patient", "index", "fold", "any"])
    for name in LABEL_COLUMNS:
        table[name] = table["any"].astype(int)
    logits = rng.normal(np.where(table["any"] == 1, 4.0, -4.0), 4.0)
    return Prediction(table, np.repeat(1 / (1 + np.exp(-logits))[:, None], 6, 1))


def test_a_folds_own_labels_do_not_calibrate_it() -> None:
    honest, told = everyone(), everyone()
    mine = (told.table.fold == 0).to_numpy()
    told.table.loc[mine, list(LABEL_COLUMNS)] = 1 - told.table.loc[mine, list(LABEL_COLUMNS)]
    before, after = calibrated(honest).probs, calibrated(told).probs
    np.testing.assert_array_equal(before[mine], after[mine])
    assert np.abs(before[~mine] - after[~mine]).max() > 0.01


def test_calls_count_every_scan_once() -> None:
    calls = figures(calibrated(everyone()))["calls"]
    assert isinstance(calls, dict)
    assert [calls[name].split("/")[1] for name in ("bleeding", "without blood")] == ["5", "5"]


def test_a_kind_counts_only_where_any_blood_is_called() -> None:
    found = calibrated(everyone())
    one = (found.table.patient == "bleeds 0").to_numpy()
    found.probs[one] = [0, 1, 0, 0, 0, 1]
    calls = called_scans(found).set_index("patient")
    assert (calls.s_edh["bleeds 0"], bool(calls.c_edh["bleeds 0"])) == (1, False)
    found.probs[one, 0] = 1
    assert called_scans(found).set_index("patient").c_edh["bleeds 0"]


def test_slices_are_called_by_thresholds_of_the_other_folds() -> None:
    calls = called_slices(calibrated(everyone()))
    assert len(calls) == 200
    without = calls[calls.y_any == 0]
    assert without.c_any.mean() == pytest.approx(0.10, abs=0.04)
    assert 0 < without.c_edh.mean() < 0.6 * without.c_any.mean()


def test_mean_f1_of_kinds() -> None:
    truth = pd.DataFrame(0, index=range(4), columns=[f"y_{name}" for name in LABEL_COLUMNS])
    truth.iloc[0, 1:] = 1
    called = truth.rename(columns=lambda name: name.replace("y_", "c_")).astype(bool)
    called.loc[1, "c_edh"] = True
    called.loc[0, "c_sdh"] = False
    kinds = kind_figures(pd.concat([truth, called], axis=1).assign(patient=list("abcd")))
    assert (kinds["edh called"], kinds["edh called falsely"], kinds["edh F1"]) == (
        "1/1",
        "1/3",
        0.6667,
    )
    assert kinds["sdh F1"] == 0
    mean = kinds["mean F1 of the five"]
    assert isinstance(mean, list)
    assert mean[0] == pytest.approx((2 / 3 + 3 + 0) / 5, abs=1e-4)


def test_the_mean_is_of_those_that_spoke(tmp_path: Path) -> None:
    nobody = np.full(6, np.nan)
    vit = np.stack([np.full(6, 1.0), np.full(6, 3.0), nobody])
    resnet = np.stack([np.full(6, 2.0), nobody, nobody])
    np.savez(tmp_path / "said.npz", key=np.array(["a", "b", "c"]), vit=vit, resnet=resnet)
    answers = said(tmp_path / "said.npz")
    keys, logits = answers["mean"]
    assert keys.tolist() == ["a", "b"]
    assert logits[:, 0].tolist() == [1.5, 3.0]
    assert answers["resnet"][0].tolist() == ["a"]
