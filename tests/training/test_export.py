"""The exported file answers as PyTorch does, in half the bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra (PyTorch)")

import onnx
import torch
from onnx import numpy_helper

from training.export import TOLERANCE, largest_difference, to_onnx
from training.nets.build import blank
from training.nets.compact import constants, to_short

SIZES = [("resnet", 64), ("vit", 56)]


def network(arch: str, size: int) -> torch.nn.Module:
    """A random network whose masks and scores are far from flat."""
    torch.manual_seed(0)
    model = blank(arch, size).eval()
    for last in (model.local, model.refine[-1], model.linear):
        torch.nn.init.normal_(last.weight, std=0.1)
    return model


@pytest.mark.parametrize(("arch", "size"), SIZES)
def test_scores_and_masks_are_those_of_pytorch(arch: str, size: int, tmp_path: Path) -> None:
    model = network(arch, size)
    path = tmp_path / "network.onnx"
    path.write_bytes(to_onnx(model).SerializeToString())
    images = np.random.default_rng(0).normal(size=(4, 3, size, size)).astype(np.float32)
    with torch.no_grad():
        masks = torch.sigmoid(model(torch.from_numpy(images))["mask"])
    difference = largest_difference(path, model, images)
    assert float(masks.std()) > 0.05
    assert set(difference) == {"logits", "mask"}
    assert max(difference.values()) < TOLERANCE / 2


@pytest.mark.parametrize(("arch", "size"), SIZES)
def test_a_file_has_little_more_than_two_bytes_a_weight(arch: str, size: int) -> None:
    model = network(arch, size)
    weights = sum(p.numel() for p in model.parameters())
    assert len(to_onnx(model).SerializeToString()) < 2.25 * weights


@pytest.mark.parametrize("shape", [(40, 60), (16, 8, 3, 3), (30, 12, 1, 1)])
def test_rounding_is_finer_than_half_precision(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    codes, first, second = to_short(array)
    assert codes.dtype == np.int16
    assert first.size + second.size == shape[0] + shape[1]
    error = np.abs(codes * first * second - array)
    assert (error <= 0.51 * first * second).all()
    assert error.std() < np.abs(array.astype(np.float16) - array).std() / 2


def test_a_channel_of_small_weights_keeps_its_digits() -> None:
    array = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    array[3] *= 1e-4
    array[:, 5] *= 1e3
    codes, first, second = to_short(array)
    error = np.abs(codes * first * second - array)
    assert error[3].max() < 1e-4 * np.abs(array[3]).max()
    assert error[:, 6].max() < 1e-4 * np.abs(array[:, 6]).max()


def test_nothing_but_zeros_stays_zero() -> None:
    codes, first, second = to_short(np.zeros((8, 8), np.float32))
    assert np.isfinite(first).all()
    assert not (codes * first * second).any()


def test_half_precision_constants_of_older_files_are_still_read() -> None:
    half = numpy_helper.from_array(np.float16([[0.5, 2.0]]), "model.weight_half")
    graph = onnx.GraphProto(initializer=[half])
    found = constants(graph)
    assert list(found) == ["model.weight"]
    np.testing.assert_array_equal(found["model.weight"], np.float32([[0.5, 2.0]]))


def test_onnx_runtime_folds_the_constants_when_it_loads(tmp_path: Path) -> None:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "folded.onnx")
    data = to_onnx(network("vit", 56)).SerializeToString()
    onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    folded = onnx.load(options.optimized_model_filepath).graph
    assert not [i.name for i in folded.initializer if i.data_type == onnx.TensorProto.INT16]
