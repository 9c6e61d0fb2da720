from __future__ import annotations

import pytest

from ich_cli.health.check import State
from ich_cli.health.runtime import check_runtime
from ich_cli.models import cuda


def test_without_a_driver_the_cpu_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "gpus", lambda: None)
    built, gpu = check_runtime()
    assert "CPU" in built.found
    assert gpu.state is State.INFO


def test_a_gpu_whose_libraries_are_missing_is_a_warning_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    built_for_cuda = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    monkeypatch.setattr(cuda, "gpus", lambda: (cuda.Gpu(0, "a GPU", 24.0),))
    monkeypatch.setattr(cuda, "preload_libraries", lambda: ("Failed to load libcublas",))
    _, named, state = check_runtime()
    assert (named.name, named.found) == ("cuda:0", "a GPU, 24 GB")
    assert state.state is State.WARNING
    assert ("ich-cli[cuda]" if built_for_cuda else "onnxruntime-gpu") in state.advice
