"""The papers' plain classifiers: what they answer, point to and can start from."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the training extra (PyTorch)")

import torch

from training.nets import losses, vit_b16
from training.nets.build import layer_rates, make

SIZE = 64


@pytest.mark.parametrize(("arch", "grid"), [("resnet50", 2), ("vit_b16", 4)])
def test_the_map_is_what_the_answer_is_made_of(arch: str, grid: int) -> None:
    model = make(arch, SIZE).eval()
    with torch.no_grad():
        out = model(torch.randn(2, 3, SIZE, SIZE))
    assert out["cam"].shape == (2, 6, grid, grid)
    torch.testing.assert_close(out["cam"].mean((2, 3)), out["logits"], atol=1e-4, rtol=1e-4)


def test_only_known_labels_teach_a_classifier() -> None:
    logits = torch.zeros(1, 6, requires_grad=True)
    labels = torch.tensor([[1.0, 0.0, -1.0, -1.0, -1.0, -1.0]])
    losses.total({"logits": logits}, {"labels": labels})["total"].backward()
    assert (logits.grad[0, :2] != 0).all()
    assert (logits.grad[0, 2:] == 0).all()


def test_a_size_that_no_grid_fits_is_refused() -> None:
    with pytest.raises(SystemExit, match="multiple of 16"):
        make("vit_b16", 70)


def test_an_encoder_from_weights_learns_more_slowly_than_one_from_scratch(tmp_path: Path) -> None:
    fresh = make("resnet50", SIZE)
    torch.save(fresh.encoder.state_dict(), tmp_path / "start.pt")
    started = make("resnet50", SIZE, start=str(tmp_path / "start.pt"))
    torch.testing.assert_close(started.encoder.conv1.weight, fresh.encoder.conv1.weight)
    assert layer_rates(started, None)[0]["lr"] < layer_rates(fresh, None)[0]["lr"]


def test_timm_names_are_understood_at_another_size(tmp_path: Path) -> None:
    theirs = {
        name.replace("patch.", "patch_embed.proj.")
        .replace("qkv", "attn.qkv")
        .replace(".proj.", ".attn.proj.")
        .replace("patch_embed.attn.", "patch_embed.")
        .replace("fc", "mlp.fc"): value
        for name, value in vit_b16.VitB16(32).state_dict().items()
    }
    theirs["cls_token"], theirs["pos_embed"] = theirs.pop("cls"), theirs.pop("pos")
    theirs["head.weight"] = torch.zeros(1000, 768)
    torch.save({"model": theirs}, tmp_path / "timm.pt")
    model = make("vit_b16", SIZE, start=str(tmp_path / "timm.pt"))
    assert model.encoder.pos.shape == (1, 17, 768)
    torch.testing.assert_close(
        model.encoder.blocks[3].proj.weight, theirs["blocks.3.attn.proj.weight"]
    )


def test_weights_of_another_architecture_are_refused_in_one_line(tmp_path: Path) -> None:
    torch.save({"conv1.weight": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(SystemExit, match="give a checkpoint of this architecture"):
        make("resnet50", SIZE, start=str(tmp_path / "other.pt"))
