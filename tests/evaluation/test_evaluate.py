"""Simulated scans with a known truth: every table says what is so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from ich_cli.domain import Interval
from ich_cli.evaluation.evaluate import Evaluation, coverage_table, evaluate
from ich_cli.evaluation.layouts import load_labels
from ich_cli.evaluation.match import match
from ich_cli.evaluation.presence import Resampling
from ich_cli.evaluation.results import load_results
from ich_cli.evaluation.store import load_evaluation, to_json
from ich_cli.evaluation.tables import Cell, Table, to_csv
from tests.evaluation.simulated import (
    SimScan,
    records,
    simulate,
    unread,
    write_labels,
    write_results,
)

HOW = Resampling(draws=100, prevalence=0.1)


@pytest.fixture(scope="module")
def sim() -> list[SimScan]:
    return [*simulate(60), unread()]


@pytest.fixture(scope="module")
def found(sim: list[SimScan], tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    tmp_path = tmp_path_factory.mktemp("evaluation")
    scans = load_results(write_results(sim, tmp_path / "results.json"))
    labels = load_labels(write_labels(sim, tmp_path / "labels.csv"))
    return evaluate(match(scans, labels), HOW)


def _table(found: Evaluation, start: str) -> Table:
    return next(t for t in found.tables if t.title.startswith(start))


def _cell(table: Table, row: str, column: str) -> Cell:
    cells = next(r for r in table.rows if r[0] == row or r[1] == row)
    return cells[table.columns.index(column)]


def test_unread_scans_are_counted_and_not_called_negative(found: Evaluation) -> None:
    table = _table(found, "Labelled scans")
    assert _cell(table, "not_analysable", "blood") == 1
    assert sum(int(str(r[1])) for r in table.rows) == 61
    assert "Of 21 bleeding scans" in table.note
    assert _cell(_table(found, "Presence, scans"), "any", "n") == 60


def test_presence_is_counted_right(found: Evaluation, sim: list[SimScan]) -> None:
    table = _table(found, "Presence, scans")
    calls = [s.result.assessment.any_call for s in sim if s.result.assessment]
    truth = [s.truth["any"] for s in sim if s.result.assessment]
    sensitivity = np.mean([c for c, t in zip(calls, truth, strict=True) if t])
    cell = _cell(table, "any", "sensitivity")
    assert isinstance(cell, Interval)
    assert cell.value == pytest.approx(sensitivity)
    assert _cell(table, "any", "positive") == 20
    assert isinstance(_cell(table, "macro", "AUC"), Interval)


def test_volumes_location_and_subgroups(found: Evaluation) -> None:
    volume = _table(found, "Volume")
    assert _cell(volume, "total", "n") == 20
    ccc = _cell(volume, "total", "CCC")
    assert isinstance(ccc, Interval)
    assert 0.9 < ccc.value < 1
    side = _cell(_table(found, "Location"), "side", "accuracy")
    assert isinstance(side, Interval)
    assert side.value == 1.0
    groups = _table(found, "Any haemorrhage by subgroup")
    assert {str(r[1]) for r in groups.rows} >= {
        "< 1.5 mm",
        "≥ 4.5 mm",
        "ACME",
        "90–110 kVp",
        "≥ 30 mL",
    }
    assert sum(int(str(r[2])) for r in groups.rows if r[0] == "manufacturer") == 60
    assert [r[1] for r in groups.rows if r[0] == "true volume"][-1] == "≥ 30 mL"


def test_plots_carry_the_same_figures(found: Evaluation) -> None:
    roc = next(f for f in found.rocs if f.label == "any")
    assert roc.auc == _cell(_table(found, "Presence, scans"), "any", "AUC")
    assert roc.points[0] == (0.0, 0.0)
    assert roc.points[-1] == (1.0, 1.0)
    bland = found.bland_altmans[0]
    assert bland.summary.bias == _cell(_table(found, "Volume"), "total", "bias mL")
    assert len(bland.points) == 20
    counts = next(f for f in found.confusions if f.label == "any").counts
    assert counts.n == 60


def test_an_evaluation_survives_its_file(found: Evaluation, tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    path.write_text(to_json(found))
    again = load_evaluation(path)
    assert [to_csv(t) for t in again.tables] == [to_csv(t) for t in found.tables]
    assert again.rocs == found.rocs
    assert again.bland_altmans == found.bland_altmans
    assert again.reliabilities == found.reliabilities
    assert again.confusions == found.confusions


def test_slices_by_patient(sim: list[SimScan], tmp_path: Path) -> None:
    rows = ["ID,Label"]
    names = {"EDH": "epidural", "IPH": "intraparenchymal", "IVH": "intraventricular"}
    names |= {"SAH": "subarachnoid", "SDH": "subdural", "any": "any"}
    for scan in sim[:-1]:
        for uid, truth in zip(scan.slices, scan.slice_truth, strict=True):
            rows += [f"{uid}_{names[label]},{int(value)}" for label, value in truth.items()]
    (tmp_path / "stage_2_train.csv").write_text("\n".join(rows) + "\n")
    scans = load_results(write_results(sim, tmp_path / "results.json"))
    found = evaluate(match(scans, load_labels(tmp_path / "stage_2_train.csv")), HOW)
    table = _table(found, "Presence, slices")
    assert (_cell(table, "any", "n"), _cell(table, "any", "positive")) == (360, 60)
    auc = _cell(table, "any", "AUC")
    assert isinstance(auc, Interval)
    assert 0.9 < auc.value < 1
    assert _cell(_table(found, "Presence, scans"), "any", "n") == 60


def test_few_cases_are_said_to_be_few(tmp_path: Path) -> None:
    few = simulate(4)
    scans = load_results(write_results(few, tmp_path / "results.json"))
    labels = load_labels(write_labels(few, tmp_path / "labels.csv"))
    assert any("intervals are wide" in note for note in evaluate(match(scans, labels), HOW).notes)


def test_labels_without_a_result_are_told_with_those_that_bleed(tmp_path: Path) -> None:
    scans = load_results(write_results(simulate(4)[:1], tmp_path / "results.json"))
    sim = simulate(4)
    labels = load_labels(write_labels(sim, tmp_path / "labels.csv"))
    bleeding = sum(scan.truth["any"] for scan in sim[1:])
    found = evaluate(match(scans, labels), HOW)
    assert f"Labels without a result, in no table: 3, {bleeding} of them with blood." in found.notes


def test_the_sensitivity_with_unread_scans_draws_patients(
    sim: list[SimScan], tmp_path: Path
) -> None:
    rows = [{**record, "patient_id": "the only one"} for record in records(sim)]
    (tmp_path / "results.json").write_text(json.dumps(rows))
    labels = load_labels(write_labels(sim, tmp_path / "labels.csv"))
    table = coverage_table(match(load_results(tmp_path), labels), HOW)
    assert re.search(r"sensitivity 0\.\d+ with unread scans as missed", table.note)
