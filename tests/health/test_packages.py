from __future__ import annotations

from importlib import metadata

import pytest

from ich_cli.health.check import State
from ich_cli.health.packages import check_packages, check_python


def test_this_python_will_do() -> None:
    assert check_python().state is State.OK


def test_every_declared_dependency_is_looked_at_and_no_extra() -> None:
    names = {check.name for check in check_packages()}
    assert {"ich-cli", "numpy", "pydicom", "typer"} <= names
    assert not {"torch", "pytest"} & names


def test_what_is_missing_or_too_old_fails_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"numpy": "1.20.0"}
    real = metadata.version

    def version(name: str) -> str:
        if name == "rich":
            raise metadata.PackageNotFoundError(name)
        return versions.get(name) or real(name)

    monkeypatch.setattr(metadata, "version", version)
    checks = {check.name: check for check in check_packages()}
    assert checks["rich"].state is checks["numpy"].state is State.FAILED
    assert checks["rich"].advice == "pip install 'rich'"
    assert "1.20.0, needs >=" in checks["numpy"].found
    assert checks["typer"].state is State.OK
