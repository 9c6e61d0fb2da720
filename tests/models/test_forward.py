from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ich_cli.errors import DeviceError, ExitCode
from ich_cli.models.card import load_card
from ich_cli.models.forward import Forward, in_label_order
from ich_cli.models.session import open_session
from tests.models.toy import OPSET, mean_network, write_network


def opened(folder: Path, model: onnx.ModelProto) -> Forward:
    path = write_network(folder, model, outputs={"mask": None})
    session = open_session(model.SerializeToString(), label="toy", device="cpu", threads=1)
    return Forward.check(session, load_card(path), path)


def failing_network() -> onnx.ModelProto:
    """Opens, but looks up entry 100 of 6 when it is run on an empty image."""
    table = numpy_helper.from_array(np.zeros((6, 6), np.float32), "table")
    hundred = numpy_helper.from_array(np.array([100.0], np.float32), "hundred")
    axes = numpy_helper.from_array(np.array([1, 2, 3], np.int64), "axes")
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMax", ["image", "axes"], ["largest"], keepdims=0),
            helper.make_node("Add", ["largest", "hundred"], ["far"]),
            helper.make_node("Cast", ["far"], ["entry"], to=TensorProto.INT64),
            helper.make_node("Gather", ["table", "entry"], ["logits"]),
        ],
        "failing",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 6, 32, 32])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 6])],
        [table, hundred, axes],
    )
    return helper.make_model(graph, opset_imports=OPSET, ir_version=10)


def test_a_network_that_runs_passes_the_trial(tmp_path: Path) -> None:
    opened(tmp_path, mean_network()).try_out()


def test_a_network_that_opens_but_does_not_run_is_a_device_error(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="does not run on CPUExecutionProvider") as caught:
        opened(tmp_path, failing_network()).try_out()
    assert caught.value.exit_code == ExitCode.NO_DEVICE
    assert "\n" not in str(caught.value)


def test_a_class_axis_is_put_in_order_wherever_it_is() -> None:
    labels = ["SDH", "SAH", "IVH", "IPH", "EDH", "any"]
    array = np.arange(12.0, dtype=np.float32).reshape(2, 6)
    np.testing.assert_array_equal(in_label_order(array, labels, axis=1), array[:, ::-1])
    np.testing.assert_array_equal(in_label_order(array[0], labels, axis=0), array[0, ::-1])
