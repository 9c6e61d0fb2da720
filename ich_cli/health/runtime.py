"""ONNX Runtime and the devices that it can really use."""

from __future__ import annotations

from ich_cli.health.check import Check, State
from ich_cli.models import cuda
from ich_cli.models.session import CPU, CUDA, INSTALL_CUDA


def check_runtime() -> tuple[Check, ...]:
    """The providers that ONNX Runtime is built with."""
    try:
        import onnxruntime
    except ImportError as error:
        advice = "pip install onnxruntime (or onnxruntime-gpu)"
        return (Check("runtime", "onnxruntime", State.FAILED, str(error), advice),)
    providers = onnxruntime.get_available_providers()
    state = State.OK if CPU in providers else State.FAILED
    built = ", ".join(name.removesuffix("ExecutionProvider") for name in providers)
    return (
        Check("runtime", "providers built in", state, built),
        *_check_gpus(CUDA in providers),
    )


def _check_gpus(built_for_cuda: bool) -> tuple[Check, ...]:
    gpus = cuda.gpus()
    if gpus is None:
        return (Check("runtime", "gpu", State.INFO, "no NVIDIA driver; networks run on the CPU"),)
    if not gpus:
        return (Check("runtime", "gpu", State.WARNING, "an NVIDIA driver, but no GPU"),)
    named = tuple(
        Check("runtime", f"cuda:{gpu.index}", State.OK, f"{gpu.name}, {gpu.memory_gb:.0f} GB")
        for gpu in gpus
    )
    if not built_for_cuda:
        advice = "pip install onnxruntime-gpu in place of onnxruntime"
        return (*named, Check("runtime", "cuda", State.WARNING, "not built in", advice))
    missing = cuda.preload_libraries()
    if missing:
        return (*named, Check("runtime", "cuda", State.WARNING, "; ".join(missing), INSTALL_CUDA))
    return (*named, Check("runtime", "cuda", State.OK, "libraries load"))
