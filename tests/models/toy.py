"""Real, small ONNX networks whose answer can be worked out by hand, with their cards."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper

import ich_cli
from ich_cli.models.network import Network

SPACING = (5.0, 0.5, 0.5)
IR_VERSION = 10
OPSET = [helper.make_opsetid("", 18)]


def mean_network(
    size: int = 32,
    *,
    channels: int = 6,
    batch: int | str = "n",
    half: bool = False,
    nhwc: bool = False,
    scale: float = 1.0,
) -> onnx.ModelProto:
    """Six channels in; logit ``k`` is ``scale`` times the mean of channel ``k``.

    ``mask`` is ``40 (channel − 0.5)`` at half size, ``features`` the logits, ``cam`` the
    channels at half size.
    """
    kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    number = np.float16 if half else np.float32
    shape = [batch, size, size, channels] if nhwc else [batch, channels, size, size]
    axes = [1, 2] if nhwc else [2, 3]
    constants = [
        numpy_helper.from_array(np.array(axes, np.int64), "axes"),
        numpy_helper.from_array(np.array(scale, number), "scale"),
        numpy_helper.from_array(np.array(0.5, number), "half"),
        numpy_helper.from_array(np.array(40.0, number), "steep"),
    ]
    nodes = [
        helper.make_node("ReduceMean", ["image", "axes"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "scale"], ["logits"]),
        helper.make_node("Identity", ["logits"], ["features"]),
    ]
    channels_first = "image"
    if nhwc:
        nodes.append(helper.make_node("Transpose", ["image"], ["nchw"], perm=[0, 3, 1, 2]))
        channels_first = "nchw"
    nodes += [
        helper.make_node(
            "AveragePool", [channels_first], ["small"], kernel_shape=[2, 2], strides=[2, 2]
        ),
        helper.make_node("Sub", ["small", "half"], ["centred"]),
        helper.make_node("Mul", ["centred", "steep"], ["steeper"]),
    ]
    for source, name in (("steeper", "mask"), ("small", "cam")):
        if nhwc:
            nodes.append(helper.make_node("Transpose", [source], [name], perm=[0, 2, 3, 1]))
        else:
            nodes.append(helper.make_node("Identity", [source], [name]))
    maps = (
        [batch, size // 2, size // 2, channels] if nhwc else [batch, channels, size // 2, size // 2]
    )
    graph = helper.make_graph(
        nodes,
        "mean",
        [helper.make_tensor_value_info("image", kind, shape)],
        [
            helper.make_tensor_value_info("logits", kind, [batch, channels]),
            helper.make_tensor_value_info("features", kind, [batch, channels]),
            helper.make_tensor_value_info("mask", kind, maps),
            helper.make_tensor_value_info("cam", kind, maps),
        ],
        constants,
    )
    return _model(graph)


def sequence_head(*, with_mask: bool = True, width: int = 6) -> onnx.ModelProto:
    """Scan logits are the mean of the features over the slices; slice logits the features
    minus one."""
    one = numpy_helper.from_array(np.array(1.0, np.float32), "one")
    axis = numpy_helper.from_array(np.array([1], np.int64), "axis")
    last = numpy_helper.from_array(np.array([2], np.int64), "last")
    inputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, "z", width])]
    nodes = [
        helper.make_node("ReduceMean", ["features", "axis"], ["scan_logits"], keepdims=0),
    ]
    if with_mask:
        inputs.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, "z"]))
        nodes.append(helper.make_node("Unsqueeze", ["mask", "last"], ["ones"]))
        nodes.append(helper.make_node("Sub", ["features", "ones"], ["slice_logits"]))
    else:
        nodes.append(helper.make_node("Sub", ["features", "one"], ["slice_logits"]))
    graph = helper.make_graph(
        nodes,
        "head",
        inputs,
        [
            helper.make_tensor_value_info("scan_logits", TensorProto.FLOAT, [1, 6]),
            helper.make_tensor_value_info("slice_logits", TensorProto.FLOAT, [1, "z", 6]),
        ],
        [one, axis, last],
    )
    return _model(graph)


def card_fields(sha256: str, /, **changes: Any) -> dict[str, Any]:
    """A complete card for :func:`mean_network`: three neighbours, two windows, no crop."""
    fields: dict[str, Any] = {
        "schema": 1,
        "name": "toy",
        "version": "1.0",
        "onnx": "toy.onnx",
        "sha256": sha256,
        "licence": "test",
        "intended_use": "tests of the plumbing",
        "input": {
            "size": 32,
            "crop": "none",
            "slices": [-1, 0, 1],
            "windows": [[40, 80], [500, 1000]],
        },
        "outputs": {"logits": "logits", "mask": "mask"},
    }
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(fields.get(key), dict):
            fields[key] = {**fields[key], **value}
        else:
            fields[key] = value
    return fields


def write_network(
    folder: Path, model: onnx.ModelProto | None = None, *, name: str = "toy", **changes: Any
) -> Path:
    """Write ``<name>.onnx`` and its card into ``folder``; the card's path."""
    folder.mkdir(parents=True, exist_ok=True)
    content = (model or mean_network()).SerializeToString()
    (folder / f"{name}.onnx").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    changes = {"name": name, "onnx": f"{name}.onnx", **changes}
    card = folder / f"{name}.yaml"
    card.write_text(yaml.safe_dump(card_fields(sha256, **changes)), encoding="utf-8")
    return card


def write_ensemble(folder: Path, *members: str, name: str = "both", **changes: Any) -> Path:
    """Write the card of networks whose cards lie in ``folder``; its path."""
    fields = {
        "schema": 1,
        "name": name,
        "version": "1.0",
        "members": [f"{member}.yaml" for member in members],
        "licence": "test",
        "intended_use": "tests of the plumbing",
        **changes,
    }
    card = folder / f"{name}.yaml"
    card.write_text(yaml.safe_dump(fields), encoding="utf-8")
    return card


def add_head(card: Path, model: onnx.ModelProto, **scan: Any) -> Path:
    """Give a written network a sequence head."""
    content = model.SerializeToString()
    card.with_name("head.onnx").write_bytes(content)
    fields = yaml.safe_load(card.read_text(encoding="utf-8"))
    fields["outputs"]["features"] = "features"
    fields["scan"] = {
        "method": "head",
        "onnx": "head.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        **scan,
    }
    card.write_text(yaml.safe_dump(fields), encoding="utf-8")
    return card


def _model(graph: onnx.GraphProto) -> onnx.ModelProto:
    model = helper.make_model(graph, opset_imports=OPSET, ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return model


def load(path: Path, **options: Any) -> Network:
    return ich_cli.load_model(str(path), device="cpu", threads=1, **options)


def logit(p: np.ndarray) -> np.ndarray:
    p = p.astype(np.float64)
    return np.log(p / (1 - p))


def ramp(n: int, side: int = 32) -> np.ndarray:
    """Flat slices of 0, 2, 4 … HU."""
    return np.arange(0, 2 * n, 2, dtype=np.float32)[:, None, None] * np.ones(
        (1, side, side), np.float32
    )
