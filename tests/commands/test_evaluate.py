"""``ich evaluate`` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ich_cli.cli import build_app
from ich_cli.pipeline.privacy import load_key, pseudonym
from ich_cli.reports.record import RecordContext, to_record
from tests.evaluation.simulated import simulate, write_labels, write_results

RUNNER = CliRunner()


def _run(*args: object) -> tuple[int, str, str]:
    result = RUNNER.invoke(build_app("evaluate"), ["evaluate", *map(str, args)])
    return result.exit_code, result.stdout, result.stderr


def test_tables_and_a_file_for_the_report(tmp_path: Path) -> None:
    sim = simulate(30)
    write_results(sim, tmp_path / "results.json")
    labels = write_labels(sim, tmp_path / "labels.csv")
    code, out, err = _run(tmp_path, labels, "--draws", 100, "--prevalence", 0.1)
    assert code == 0, err
    for title in ("Labelled scans by status", "Presence, scans", "Volume", "Location"):
        assert title in out
    assert "PPV at 0.1" in out
    content = json.loads((tmp_path / "evaluation.json").read_text())
    assert content["source"] == {
        "results": tmp_path.name,
        "labels": "labels.csv",
        "layout": "own_csv",
    }
    assert content["disclaimer"].startswith("Research use only")


@pytest.mark.parametrize(
    ("form", "mark"), [("csv", "table,label,n"), ("markdown", "| ---"), ("latex", r"\toprule")]
)
def test_forms(tmp_path: Path, form: str, mark: str) -> None:
    sim = simulate(6)
    results = write_results(sim, tmp_path / "results.json")
    labels = write_labels(sim, tmp_path / "labels.csv")
    code, out, _ = _run(results, labels, "--draws", 100, "--format", form)
    assert code == 0
    assert mark in out


def test_labels_by_patient_find_hashed_patients(tmp_path: Path) -> None:
    sim = simulate(6)
    key = load_key()
    hashed = RecordContext(lambda name: pseudonym(name, key))
    rows = [to_record(scan.result, hashed) for scan in sim]
    (tmp_path / "results.json").write_text(json.dumps(rows))
    labels = write_labels(sim, tmp_path / "labels.csv", identity="patient")
    code, out, err = _run(tmp_path, labels, "--draws", 100)
    assert code == 0, err
    assert "Presence, scans" in out


def test_labels_of_other_scans_are_an_error(tmp_path: Path) -> None:
    write_results(simulate(6), tmp_path / "results.json")
    (tmp_path / "labels.csv").write_text("study_uid,any\n9.9.9,1\n")
    code, _, err = _run(tmp_path, tmp_path / "labels.csv")
    assert code == 2
    assert "no label of" in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "evaluation.json").exists()


def test_a_missing_results_file_is_one_line(tmp_path: Path) -> None:
    code, _, err = _run(tmp_path / "none.json", tmp_path / "labels.csv")
    assert code == 2
    assert len(err.strip().splitlines()) == 1
