"""A real, small ONNX network that finds bright voxels inside the skull.

It knows no anatomy. It serves to drive the whole program, from DICOM to reports, with an
answer that can be foreseen on phantoms; it says nothing about accuracy.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper

from ich_cli.domain import LABELS

SIZE = 192
CALLED = ("any", "IPH")
BRAIN, BONE = (60.0, 16.0), (300.0, 200.0)
"""Windows: 52…68 HU, where fresh blood lies, and 200…400 HU, where bone begins."""


def bright_network() -> onnx.ModelProto:
    """Channels ``(blood window, bone window)`` in; ``logits`` and ``mask`` for six labels.

    A voxel is blood where the average of 13 × 13 in the blood window is high and no bone is
    within six pixels. A slice is as bloody as its bloodiest voxel.
    """

    def number(name: str, value: Any) -> onnx.TensorProto:
        return numpy_helper.from_array(np.asarray(value, np.float32), name)

    def index(name: str, value: int | list[int]) -> onnx.TensorProto:
        return numpy_helper.from_array(np.atleast_1d(np.asarray(value, np.int64)), name)

    bias = np.where([label in CALLED for label in LABELS], -20.4, -60.0).reshape(1, 6, 1, 1)
    constants = [
        *(index(str(k), k) for k in range(3)),
        index("plane", [2, 3]),
        number("steep", 30.0),
        number("veto", 90.0),
        number("bias", bias),
    ]
    node = helper.make_node
    nodes = [
        node("Slice", ["image", "0", "1", "1"], ["blood"]),
        node("Slice", ["image", "1", "2", "1"], ["bone"]),
        node("AveragePool", ["blood"], ["smooth"], kernel_shape=[13, 13], pads=[6, 6, 6, 6]),
        node("MaxPool", ["bone"], ["near"], kernel_shape=[13, 13], pads=[6, 6, 6, 6]),
        node("Mul", ["smooth", "steep"], ["signal"]),
        node("Mul", ["near", "veto"], ["against"]),
        node("Sub", ["signal", "against"], ["one"]),
        node("Add", ["one", "bias"], ["mask"]),
        node("ReduceMax", ["mask", "plane"], ["logits"], keepdims=0),
    ]
    kind = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "bright",
        [helper.make_tensor_value_info("image", kind, ["n", 2, SIZE, SIZE])],
        [
            helper.make_tensor_value_info("logits", kind, ["n", 6]),
            helper.make_tensor_value_info("mask", kind, ["n", 6, SIZE, SIZE]),
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return model


def write_bright_network(folder: Path, name: str = "bright", **changes: Any) -> Path:
    """Write the network and its card; returns the path of the card."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = bright_network().SerializeToString(deterministic=True)
    (folder / f"{name}.onnx").write_bytes(weights)
    card = {
        "schema": 1,
        "name": name,
        "version": "1",
        "onnx": f"{name}.onnx",
        "sha256": hashlib.sha256(weights).hexdigest(),
        "licence": "Apache-2.0",
        "intended_use": "tests of the plumbing; knows no anatomy",
        "input": {
            "size": SIZE,
            "crop": "head",
            "windows": [list(BRAIN), list(BONE)],
        },
        "outputs": {"logits": "logits", "mask": "mask"},
        "thresholds": {"scan": 0.5},
        "scan": {"method": "rank", "rank": 2},
        **changes,
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(card, sort_keys=False), encoding="utf-8")
    return path
