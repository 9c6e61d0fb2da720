"""A shipped file becomes a network again that answers the same and can be trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra (PyTorch)")

import onnxruntime
import torch
from torch import nn

from training.export import to_onnx
from training.from_onnx import restore, unfold_norms
from training.nets.build import blank


def shipped(arch: str, size: int, folder: Path) -> Path:
    """The exported file of a network whose norms and biases are not those of a new one."""
    torch.manual_seed(0)
    model = blank(arch, size).eval()
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1:
            nn.init.uniform_(parameter, 0.5, 1.5) if "weight" in name else nn.init.normal_(
                parameter
            )
    path = folder / f"{arch}.onnx"
    path.write_bytes(to_onnx(model).SerializeToString())
    return path


@pytest.mark.parametrize(("arch", "size"), [("resnet", 64), ("vit", 56)])
def test_the_restored_network_answers_as_the_file_does(
    arch: str, size: int, tmp_path: Path
) -> None:
    path = shipped(arch, size, tmp_path)
    images = torch.randn(2, 3, size, size)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        found = restore(path, arch)(images)
    for name in ("logits", "mask"):
        expected = session.run([name], {"image": images.numpy()})[0]
        np.testing.assert_allclose(found[name].numpy(), expected, atol=1e-3, rtol=1e-3)


def test_unfolded_norms_hold_the_statistics_that_training_meets(tmp_path: Path) -> None:
    model = restore(shipped("resnet", 64, tmp_path), "resnet")
    images = torch.randn(16, 3, 64, 64)
    with torch.no_grad():
        before = model(images)["logits"]
        unfold_norms(model, images)
        torch.testing.assert_close(model(images)["logits"], before, atol=1e-3, rtol=1e-3)
        first = model.encoder.bn1
        seen = model.encoder.conv1(images)
    torch.testing.assert_close(first.running_mean, seen.mean((0, 2, 3)), atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(
        first.running_var, seen.var((0, 2, 3), correction=0), atol=1e-4, rtol=1e-3
    )
