"""A training goes on where it was stopped, or says why it cannot."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the training extra (PyTorch)")

import torch
from torch import nn

from training.nets.checkpoint import Run


def begun(start: str | None = None) -> Run:
    """A training of three numbers after its first step."""
    model = nn.Linear(3, 1)
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.1)
    run = Run("resnet50", 224, start, model, copy.deepcopy(model), optimiser)
    step(run)
    return run


def step(run: Run) -> None:
    run.optimiser.zero_grad()
    run.model(torch.ones(1, 3)).sum().backward()
    run.optimiser.step()


def test_it_goes_on_as_if_it_had_not_been_stopped(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    stopped, other = begun(), begun()
    stopped.save(path, 12.5, 1)
    assert other.resume(path) == (12.5, 1)
    for run in (stopped, other):
        step(run)
    torch.testing.assert_close(other.model.state_dict(), stopped.model.state_dict())
    torch.testing.assert_close(other.averaged.state_dict(), stopped.averaged.state_dict())
    assert [file.name for file in tmp_path.iterdir()] == ["last.pt"]


def test_weights_without_their_optimiser_are_refused_not_trained_over(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    begun().save(path, 12.5, 1)
    state = torch.load(path, weights_only=True)
    del state["optimiser"]
    torch.save(state, path)
    before = path.read_bytes()
    with pytest.raises(SystemExit, match=r"without their optimiser.*--init"):
        begun().resume(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"arch": "vit_b16"}, "is a resnet50 of 224 pixels"),
        ({"size": 256}, "is a resnet50 of 224 pixels"),
        ({"start": "ct"}, "begun with --start None, not ct"),
    ],
)
def test_another_training_is_not_gone_on_with(
    tmp_path: Path, changed: dict[str, object], said: str
) -> None:
    path = tmp_path / "last.pt"
    begun().save(path, 12.5, 1)
    with pytest.raises(SystemExit, match=said):
        replace(begun(), **changed).resume(path)


def test_a_checkpoint_that_does_not_say_how_it_started_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    begun().save(path, 12.5, 1)
    state = torch.load(path, weights_only=True)
    del state["start"]
    torch.save(state, path)
    assert begun("ct").resume(path) == (12.5, 1)
