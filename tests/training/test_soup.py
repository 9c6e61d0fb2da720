"""The mean of checkpoints is a checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the training extra (PyTorch)")

import torch

from training.build import blank, make
from training.soup import mean


def save(path: Path, size: int, seed: int) -> Path:
    torch.manual_seed(seed)
    state = blank("resnet", size).state_dict()
    torch.save({"arch": "resnet", "size": size, "ema": state, "model": state}, path)
    return path


def test_every_weight_is_the_mean_and_the_network_can_be_made(tmp_path: Path) -> None:
    one, other = save(tmp_path / "a.pt", 64, 0), save(tmp_path / "b.pt", 64, 1)
    torch.save(mean([one, other]), tmp_path / "soup.pt")
    nets = [make("resnet", 64, init=path).state_dict() for path in (one, other)]
    soup = make("resnet", 64, init=tmp_path / "soup.pt").state_dict()
    for name, weight in soup.items():
        torch.testing.assert_close(weight, (nets[0][name] + nets[1][name]) / 2, check_dtype=False)


def test_other_sizes_do_not_mix(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="one architecture and size"):
        mean([save(tmp_path / "a.pt", 64, 0), save(tmp_path / "b.pt", 96, 0)])
