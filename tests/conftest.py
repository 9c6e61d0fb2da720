"""What every test may lean on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import ich_cli  # noqa: F401  first of all: it keeps ONNX Runtime from reporting to its maker

SHARED_DATA = Path(__file__).parents[1].parent / "shared" / "data"


@pytest.fixture(autouse=True)
def isolated_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting, key or cache of the person who runs the tests leaks into them."""
    for name in list(os.environ):
        if name.startswith("ICH_") or name.endswith("_API_KEY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The labelled data beside the repository; the test is skipped where there is none."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"needs the data folder {SHARED_DATA.name!r} beside the repository")
    return SHARED_DATA
