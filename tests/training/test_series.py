"""Plans of several trainings."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the training extra (PyTorch)")
pytest.importorskip("cv2", reason="needs the training extra (OpenCV)")

import torch

from training.bank import Bank
from training.nets.team import Team
from training.series import lines
from training.train import arguments, train

ALONE = Team(0, 1, torch.device("cpu"))


def test_a_line_is_a_name_and_what_the_training_is_told() -> None:
    plan = "# two networks\nv3 vit --holdout 3 --steps 5\n\nv0 vit --holdout 3 0  # fold 0\n"
    assert lines(plan) == [
        ("v3", ["vit", "--holdout", "3", "--steps", "5"]),
        ("v0", ["vit", "--holdout", "3", "0"]),
    ]


def test_the_words_are_those_of_a_single_training() -> None:
    (_, words), *_ = lines("v0 vit --size 280 --holdout 3 0 --minutes 1.5")
    run = arguments([*words, "--cache", "CACHE", "--run", "RUNS/v0"])
    assert (run.arch, run.size, run.holdout, run.minutes) == ("vit", 280, [3, 0], 1.5)


def test_nothing_is_left_out_of_a_training_that_has_no_bank(tmp_path: Path) -> None:
    words = ["resnet", "--cache", "CACHE", "--run", str(tmp_path / "run"), "--without", "ctich"]
    with pytest.raises(SystemExit, match="--bank"):
        train(arguments(words), ALONE, None)


def test_a_bank_is_not_taught_again(tmp_path: Path) -> None:
    words = ["resnet", "--cache", "CACHE", "--run", str(tmp_path / "run"), "--teacher", "said.npz"]
    bank = Bank.__new__(Bank)
    with pytest.raises(SystemExit, match="taught already"):
        train(arguments(words), ALONE, bank)
