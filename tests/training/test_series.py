"""Plans of several trainings."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs the training extra (PyTorch)")
pytest.importorskip("cv2", reason="needs the training extra (OpenCV)")

from training.series import lines
from training.train import arguments


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
