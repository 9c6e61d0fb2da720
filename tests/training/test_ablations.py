"""A page of trainings: each beside the first, on the slices that none of them saw."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="needs the training extra (PyTorch)")
pytest.importorskip("cv2", reason="needs the training extra (OpenCV)")

from training.ablations import rows
from training.data.sources import LABEL_COLUMNS
from training.series import lines
from training.train import arguments

PLAN = Path(__file__).parents[2] / "training" / "plans" / "ablations.txt"


@pytest.fixture
def fold() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.random((300, 6)) < 0.3, columns=list(LABEL_COLUMNS)).astype(int)
    table["source"] = ["rsna_slices"] * 200 + ["rsna_scans"] * 50 + ["ctich"] * 50
    table["patient"] = [f"patient {k}" for k in range(300)]
    return table


def judged(folder: Path, table: pd.DataFrame, noise: float) -> None:
    """What a network says that is as wrong as ``noise``, and how it outlines."""
    folder.mkdir()
    truth = table[list(LABEL_COLUMNS)].to_numpy()
    np.save(folder / "logits.npy", truth + np.random.default_rng(2).normal(0, noise, truth.shape))
    (folder / "masks.json").write_text(json.dumps({"dice": 0.5, "pointing": "20/36"}))


def test_a_worse_network_has_a_lower_area_and_a_small_p(tmp_path: Path, fold: pd.DataFrame) -> None:
    judged(tmp_path / "all", fold, 0.2)
    judged(tmp_path / "no-labels", fold, 5.0)
    first, second = (line.split(" | ") for line in rows(["all", "no-labels"], tmp_path, fold))
    assert first[0] == "| all"
    assert first[1].startswith("1.000")
    assert first[2] == ""
    assert second[0] == "| no labels"
    assert float(second[1].split()[0]) < 0.7
    assert second[2] == "<0.001"
    assert second[-1] == "20/36 |"


def test_what_is_not_judged_yet_is_left_out(tmp_path: Path, fold: pd.DataFrame) -> None:
    judged(tmp_path / "all", fold, 0.2)
    assert len(rows(["all", "later"], tmp_path, fold)) == 1


def test_every_line_of_the_plan_can_be_trained_and_differs_from_the_first() -> None:
    plan = lines(PLAN.read_text(encoding="utf-8"))
    runs = {name: vars(arguments([*words, "--cache", "c", "--run", "r"])) for name, words in plan}
    assert len(runs) == len(plan)
    first = runs[plan[0][0]]
    for name, run in runs.items():
        assert run["steps"] == first["steps"], name
        assert run["holdout"] == [3], name
        assert (run == first) == (name == plan[0][0]), name
