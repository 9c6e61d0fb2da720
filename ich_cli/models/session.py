"""ONNX Runtime sessions on the device that was asked for, and on no other."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ich_cli.errors import DeviceError, ModelError, UsageError
from ich_cli.models import cuda

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Precision = Literal["auto", "fp32", "fp16"]

_SILENT = 4
"""ONNX Runtime's log level ``fatal``: what goes wrong is raised and told by us."""

_SOURCE_LINE = re.compile(r"^/\S+:\d+ .*?\) (?=[A-Z])")
_FOLDER_OF_WEIGHTS = "session.model_external_initializers_file_folder_path"

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
INSTALL_CUDA = "install the CUDA libraries with pip install 'ich-cli[cuda]'"


@dataclass(frozen=True, slots=True)
class Device:
    """``auto``, ``cpu`` or ``cuda`` with the GPU's number."""

    kind: Literal["auto", "cpu", "cuda"]
    index: int = 0


def parse_device(text: str) -> Device:
    """Read ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        UsageError: It is none of these.
    """
    kind, _, index = text.strip().lower().partition(":")
    if kind == "cuda" and (not index or index.isdecimal()) and not text.endswith(":"):
        return Device("cuda", int(index or 0))
    if kind == "auto" and ":" not in text:
        return Device("auto")
    if kind == "cpu" and ":" not in text:
        return Device("cpu")
    raise UsageError(f"unknown device {text!r}; use auto, cpu, cuda or cuda:N")


def open_session(
    onnx: bytes,
    *,
    label: str,
    device: str = "auto",
    threads: int | None = None,
    precision: Precision = "auto",
) -> InferenceSession:
    """Open a network on a device; ``get_providers()[0]`` of the result is what runs it.

    Args:
        onnx: The content of the ONNX file.
        label: What messages call it, such as the file's name.
        device: ``auto`` (CUDA where it works, else the CPU), ``cpu``, ``cuda``, ``cuda:N``.
        threads: Intra-op threads on the CPU; ``None`` lets ONNX Runtime choose.
        precision: ``fp32`` and ``fp16`` insist on a network that computes so, and ``fp32``
            also keeps the GPU from rounding to TF32; ``auto`` takes the network as it is.

    Raises:
        DeviceError: CUDA was asked for and does not work; the message says what to install.
        ModelError: ONNX Runtime cannot read the network.
        UsageError: The device's name is unknown, or the precision is not the network's.
    """
    wanted = parse_device(device)
    if threads is not None and threads < 1:
        raise UsageError(f"threads must be at least 1, not {threads}")
    session = None
    if wanted.kind != "cpu":
        session = _open_on_cuda(onnx, label, wanted, precision)
    if session is None:
        session = _open(onnx, label, threads, [CPU])
    _check_precision(session, label, precision)
    return session


def _open_on_cuda(
    onnx: bytes, label: str, wanted: Device, precision: Precision
) -> InferenceSession | None:
    """A session on CUDA, or ``None`` when ``auto`` has to make do with the CPU."""
    problem = _why_no_cuda(wanted.index)
    if problem is None:
        missing = cuda.preload_libraries()
        options = {"device_id": wanted.index, "use_tf32": int(precision != "fp32")}
        session = _open(onnx, label, None, [(CUDA, options), CPU])
        if session.get_providers()[0] == CUDA:
            return session
        said = "; ".join(missing) or "no reason given"
        problem = f"ONNX Runtime could not start CUDA ({said}); {INSTALL_CUDA}"
    if wanted.kind == "auto":
        return None
    raise DeviceError(f"device 'cuda:{wanted.index}': {problem}, or use --device cpu")


def _why_no_cuda(index: int) -> str | None:
    """What stands against CUDA before anything is tried, and the remedy; ``None`` for nothing."""
    import onnxruntime

    if CUDA not in onnxruntime.get_available_providers():
        return "this ONNX Runtime is built without CUDA; install onnxruntime-gpu in its place"
    gpus = cuda.gpus()
    if gpus is None:
        return f"no NVIDIA driver was found; install the driver, then {INSTALL_CUDA}"
    if index >= len(gpus):
        return f"the NVIDIA driver shows {len(gpus)} GPU(s), numbered from 0; choose one of them"
    return None


def _open(onnx: bytes, label: str, threads: int | None, providers: list[Any]) -> InferenceSession:
    import onnxruntime

    onnxruntime.set_default_logger_severity(_SILENT)
    # On Windows it heeds this and not the variable that ich_cli sets.
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _SILENT
    options.intra_op_num_threads = threads or 0
    # Threads that spin while they wait take the processor from whoever shares it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Weights in a file of their own, which it would look for in the working folder, are not
    # those that were verified: there is nothing below this path.
    options.add_session_config_entry(_FOLDER_OF_WEIGHTS, os.devnull)
    try:
        return onnxruntime.InferenceSession(onnx, options, providers=providers)
    except Exception as error:  # noqa: BLE001  ONNX Runtime's errors share no base class
        reason = _reason(error)
        raise ModelError(
            f"{label}: ONNX Runtime cannot read this network ({reason}); {_remedy(reason)}"
        ) from None


def _reason(error: Exception) -> str:
    """What ONNX Runtime says, without the line of its source that says it."""
    return _SOURCE_LINE.sub("", str(error).splitlines()[0].rsplit(" : ", 1)[-1])


def _remedy(reason: str) -> str:
    if "external data" in reason.lower():
        return "export it as one file, without external data"
    return "restore or re-export it"


def _check_precision(session: InferenceSession, label: str, precision: Precision) -> None:
    found = precision_of(session)
    if precision not in ("auto", found):
        raise UsageError(
            f"{label} computes in {found}, not {precision}; use --precision auto, or a network "
            f"that was exported in {precision}"
        )


def precision_of(session: InferenceSession) -> Literal["fp32", "fp16"]:
    """The number format of the network's first input."""
    return "fp16" if session.get_inputs()[0].type == "tensor(float16)" else "fp32"
