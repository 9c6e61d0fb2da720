from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from ich_cli.commands.doctor import doctor
from ich_cli.models import registry
from tests.models.toy import write_network

app = typer.Typer()
app.command()(doctor)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder that networks are looked for in."""
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setattr(registry, "weight_folders", lambda: (folder,))
    monkeypatch.setenv("COLUMNS", "200")
    return folder


def examined(code: int) -> dict[tuple[str, str], dict[str, Any]]:
    result = CliRunner().invoke(app, ["--json"])
    assert result.exit_code == code, result.output
    facts = json.loads(result.stdout)
    assert facts["fit"] is (code == 0)
    return {(check["group"], check["name"]): check for check in facts["checks"]}


def test_a_sound_installation_is_fit(weights: Path) -> None:
    write_network(weights)
    checks = examined(0)
    assert checks["weights", "toy"]["state"] == "ok"
    assert checks["python", "python"]["state"] == "ok"
    assert checks["package", "pydicom"]["found"].startswith("3.")
    assert checks["decoder", "JPEGLSLossless"]["found"] == "gdcm"
    assert "CPU" in checks["runtime", "providers built in"]["found"]
    assert ("package", "torch") not in checks


def test_damaged_weights_make_it_unfit_and_exit_1(weights: Path) -> None:
    write_network(weights).with_suffix(".onnx").write_bytes(b"torn")
    check = examined(1)["weights", "toy"]
    assert check["state"] == "failed"
    assert "checksum mismatch" in check["advice"]


def test_no_weights_make_it_unfit(weights: Path) -> None:
    assert examined(1)["weights", "networks"]["state"] == "failed"


def test_a_folder_of_weights_that_is_none_makes_it_unfit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICH_WEIGHTS", "/nowhere")
    check = examined(1)["weights", "folders"]
    assert check["state"] == "failed"
    assert "ICH_WEIGHTS names /nowhere" in check["advice"]


def test_keys_are_told_present_and_never_shown(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_network(weights)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-SECRETSECRET")
    for arguments in ([], ["--json"]):
        output = CliRunner().invoke(app, arguments).output
        assert "SECRET" not in output
    checks = examined(0)
    assert checks["key", "openai"]["found"] == "present"
    assert checks["key", "claude"]["found"] == "none"
    assert "ANTHROPIC_API_KEY" in checks["key", "claude"]["advice"]


def test_a_configuration_folder_that_cannot_be_written(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_network(weights)
    blocked = tmp_path / "a file"
    blocked.touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(blocked / "below"))
    check = examined(1)["folder", "configuration"]
    assert check["state"] == "failed"
    assert "XDG_CONFIG_HOME" in check["advice"]


def test_the_table_ends_with_the_verdict(weights: Path) -> None:
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 1
    assert result.stdout.rstrip().endswith("Not fit to run; see 'failed' above.")
    write_network(weights)
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 0
    assert result.stdout.rstrip().endswith("Fit to run.")
