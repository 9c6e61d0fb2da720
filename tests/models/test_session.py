from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx.external_data_helper import set_external_data

from ich_cli.errors import DeviceError, ExitCode, ModelError, UsageError
from ich_cli.models import cuda
from ich_cli.models.session import Device, open_session, parse_device, precision_of
from tests.models.toy import mean_network

ONNX = mean_network().SerializeToString()
CPU = "CPUExecutionProvider"

no_gpu = pytest.mark.skipif(bool(cuda.gpus()), reason="this machine has a GPU")
gpu = pytest.mark.skipif(not cuda.gpus(), reason="needs an NVIDIA GPU")


@pytest.mark.parametrize(
    ("text", "device"),
    [
        ("auto", Device("auto")),
        ("cpu", Device("cpu")),
        ("CUDA", Device("cuda")),
        ("cuda:3", Device("cuda", 3)),
    ],
)
def test_devices_are_read(text: str, device: Device) -> None:
    assert parse_device(text) == device


@pytest.mark.parametrize("text", ["", "gpu", "cuda:", "cuda:-1", "cuda:x", "cpu:0", "auto:1", "1"])
def test_an_unknown_device_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="use auto, cpu, cuda or cuda:N"):
        parse_device(text)


def test_the_cpu_runs_it() -> None:
    session = open_session(ONNX, label="toy", device="cpu", threads=1)
    assert session.get_providers() == [CPU]


@no_gpu
@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:7"])
def test_cuda_without_cuda_is_never_a_silent_cpu_run(device: str) -> None:
    with pytest.raises(DeviceError, match=r"device 'cuda:\d': .*; install .* or use") as caught:
        open_session(ONNX, label="toy", device=device)
    assert caught.value.exit_code == ExitCode.NO_DEVICE == 6
    assert "\n" not in str(caught.value)
    assert "--device cpu" in str(caught.value)


@no_gpu
def test_cuda_that_the_driver_shows_but_that_does_not_start_is_an_error_too(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # The driver's answer alone is made up; ONNX Runtime then really tries, and fails.
    monkeypatch.setattr(cuda, "gpus", lambda: (cuda.Gpu(0, "a GPU", 8.0),))
    with pytest.raises(DeviceError, match=r"could not start CUDA|built without CUDA"):
        open_session(ONNX, label="toy", device="cuda")
    with pytest.raises(DeviceError, match=r"1 GPU\(s\), numbered from 0|built without CUDA"):
        open_session(ONNX, label="toy", device="cuda:1")
    assert open_session(ONNX, label="toy", device="auto").get_providers() == [CPU]
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


@no_gpu
def test_auto_makes_do_with_the_cpu_and_says_so() -> None:
    assert open_session(ONNX, label="toy", device="auto").get_providers() == [CPU]


@gpu
def test_auto_takes_the_gpu() -> None:
    session = open_session(ONNX, label="toy", device="auto")
    assert session.get_providers()[0] == "CUDAExecutionProvider"


@pytest.mark.parametrize("content", [b"no network", ONNX[: len(ONNX) // 2], b"\x00" * 1000])
def test_a_broken_network_is_refused_in_one_line(
    content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ModelError, match=r"toy\.onnx: ONNX Runtime cannot read") as caught:
        open_session(content, label="toy.onnx", device="cpu")
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_a_network_from_the_future_is_refused_in_words_for_people() -> None:
    model = mean_network()
    model.opset_import[0].version = 9999
    with pytest.raises(ModelError, match=r"cannot read this network \(ONNX Runtime only"):
        open_session(model.SerializeToString(), label="toy.onnx", device="cpu")


def test_weights_in_a_file_of_their_own_are_refused_for_nobody_verified_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = mean_network()
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            set_external_data(tensor, "toy.bin")
    path = tmp_path / "toy.onnx"
    onnx.save(model, path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="as one file, without external data"):
        open_session(path.read_bytes(), label="toy.onnx", device="cpu")


def test_threads_must_be_positive() -> None:
    with pytest.raises(UsageError, match="threads"):
        open_session(ONNX, label="toy", device="cpu", threads=0)


def test_precision_is_what_the_network_computes_in() -> None:
    half = mean_network(half=True).SerializeToString()
    assert precision_of(open_session(ONNX, label="toy", device="cpu", precision="fp32")) == "fp32"
    assert precision_of(open_session(half, label="toy", device="cpu", precision="fp16")) == "fp16"
    with pytest.raises(UsageError, match="computes in fp32, not fp16"):
        open_session(ONNX, label="toy", device="cpu", precision="fp16")
    with pytest.raises(UsageError, match="computes in fp16, not fp32"):
        open_session(half, label="toy", device="cpu", precision="fp32")
