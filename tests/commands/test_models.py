from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ich_cli.commands.models import models
from tests.models.toy import write_ensemble, write_network

app = typer.Typer()
app.command()(models)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setenv("ICH_WEIGHTS", str(folder))
    monkeypatch.setenv("COLUMNS", "200")
    return folder


def test_the_table_tells_name_licence_state_and_figures(weights: Path) -> None:
    write_network(weights, name="zz", metrics={"headline": {"any_auc": 0.957}})
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 0
    row = next(line for line in result.stdout.splitlines() if line.split()[:1] == ["zz"])
    assert "1.0" in row
    assert "test" in row
    assert "yes" in row
    assert "any_auc 0.957" in row
    assert "not a medical device" in result.stdout


def test_a_damaged_network_is_told_and_the_others_still_listed(weights: Path) -> None:
    write_network(weights, name="good")
    write_network(weights, name="torn").with_suffix(".onnx").write_bytes(b"torn")
    (weights / "odd.yaml").write_text("[", encoding="utf-8")
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 0
    assert "good" in result.stdout
    assert "torn.onnx: checksum mismatch" in result.stdout
    assert "not valid YAML" in result.stdout


def test_an_ensemble_names_its_members(weights: Path) -> None:
    write_network(weights, name="one")
    write_network(weights, name="other")
    write_ensemble(weights, "one", "other", name="zz")
    result = CliRunner().invoke(app, [])
    lines = [line.split()[:2] for line in result.stdout.splitlines()]
    at = next(k for k, words in enumerate(lines) if words[:1] == ["zz"])
    assert lines[at + 1 : at + 3] == [["=", "one"], ["+", "other"]]
    facts = json.loads(CliRunner().invoke(app, ["--json"]).stdout)
    mine = next(entry for entry in facts if entry["name"] == "zz")
    assert mine["usable"] is True
    assert mine["card"]["members"] == ["one.yaml", "other.yaml"]
    assert len(mine["sha256"]) == 64


def test_nothing_is_cut_off_in_a_narrow_terminal(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "44")
    write_network(
        weights, name="a-network-with-a-long-name", metrics={"headline": {"any_auc": 0.957}}
    )
    result = CliRunner().invoke(app, [])
    assert "a-network-with-a-long-name" in result.stdout
    assert "…" not in result.stdout


def test_json_holds_the_whole_card(weights: Path) -> None:
    write_network(weights, name="good", known_failures=["vertex"])
    write_network(weights, name="torn").with_suffix(".onnx").write_bytes(b"torn")
    result = CliRunner().invoke(app, ["--json"])
    assert result.exit_code == 0
    facts = {entry["name"]: entry for entry in json.loads(result.stdout)}
    assert facts["good"]["usable"] is True
    assert facts["good"]["card"]["schema"] == 1
    assert facts["good"]["card"]["known_failures"] == ["vertex"]
    assert facts["torn"]["usable"] is False
    assert "checksum" in facts["torn"]["problem"]
