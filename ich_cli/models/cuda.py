"""What this machine offers for CUDA: driver, GPUs, and the libraries of pip wheels."""

from __future__ import annotations

import contextlib
import ctypes
import io
import sys
from dataclasses import dataclass
from functools import cache

_NAME_BYTES = 256


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU as the driver names it."""

    index: int
    name: str
    memory_gb: float


@cache
def gpus() -> tuple[Gpu, ...] | None:
    """The NVIDIA GPUs that the driver shows; ``None`` when there is no driver.

    Asks the driver's own library, which needs no other CUDA library.
    """
    driver = _driver()
    if driver is None:
        return None
    count = ctypes.c_int()
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return ()
    return tuple(_describe(driver, index) for index in range(count.value))


def _driver() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return None


def _describe(driver: ctypes.CDLL, index: int) -> Gpu:
    device = ctypes.c_int()
    name = ctypes.create_string_buffer(_NAME_BYTES)
    memory = ctypes.c_size_t()
    driver.cuDeviceGet(ctypes.byref(device), index)
    driver.cuDeviceGetName(name, _NAME_BYTES, device)
    driver.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
    return Gpu(index, name.value.decode(errors="replace"), memory.value / 2**30)


@cache
def preload_libraries() -> tuple[str, ...]:
    """Load the CUDA and cuDNN libraries that pip wheels bring, once a process.

    ONNX Runtime opens them by bare name and would not look into site-packages itself.

    Returns:
        What could not be loaded, a line each; empty when nothing is missing.
    """
    import onnxruntime

    preload = getattr(onnxruntime, "preload_dlls", None)
    if preload is None:
        return ()
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        preload()
    return tuple(line for line in said.getvalue().splitlines() if line.startswith("Failed"))
