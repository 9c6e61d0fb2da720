"""Readers on the same cases: the tables say who was right, and on what."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from sklearn.metrics import cohen_kappa_score, f1_score

from ich_cli.domain import Interval
from ich_cli.errors import UsageError
from ich_cli.evaluation.experiment import Experiment, run_experiment
from ich_cli.evaluation.presence import Resampling
from ich_cli.evaluation.tables import Cell, Table
from tests.evaluation.simulated import SimScan, simulate, unread, write_labels, write_results

HOW = Resampling(draws=60)
N = 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two networks on the same scans; the second separates less."""
    for name, separation in (("good", 4.0), ("poor", 1.0)):
        sim = [*simulate(N, separation=separation), unread()]
        (tmp_path / name).mkdir()
        write_results(sim, tmp_path / name / "results.json")
    write_labels(simulate(N), tmp_path / "labels.csv")
    return tmp_path


def _table(found: Experiment, title: str) -> Table:
    return next(t for t in found.tables if t.title.startswith(title))


def _cells(table: Table, reader: str) -> dict[str, Cell]:
    row = next(r for r in table.rows if r[0] == reader)
    return dict(zip(table.columns, row, strict=True))


def _slice_labels(sim: list[SimScan], path: Path) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["sop_uid", *sim[0].truth])
        for scan in sim:
            for uid, truth in zip(scan.slices, scan.slice_truth, strict=True):
                writer.writerow([uid, *(int(v) for v in truth.values())])
    return path


def test_networks_and_their_second_readers(folder: Path) -> None:
    found = run_experiment([folder / "good", folder / "poor"], folder / "labels.csv", HOW)
    presence = _table(found, "Presence")
    assert [row[0] for row in presence.rows] == [
        "resnet (good)",
        "gemini (beside resnet (good))",
        "resnet (poor)",
        "gemini (beside resnet (poor))",
    ]
    sim = simulate(N)
    answered = [
        s for s in sim if s.result.second_opinion and s.result.second_opinion.any is not None
    ]
    reader = _cells(presence, "gemini (beside resnet (good))")
    assert reader["n"] == len(answered)
    assert reader["no answer"] == N - len(answered)
    assert reader["AUC"] is None
    y = [s.truth["any"] for s in answered]
    says = [bool(s.result.second_opinion and s.result.second_opinion.any) for s in answered]
    f1 = reader["F1"]
    assert isinstance(f1, Interval)
    assert f1.value == pytest.approx(f1_score(y, says))
    kappa = next(
        r for r in _table(found, "Agreement").rows if str(r[0]).startswith("resnet (good) / gemini")
    )
    calls = [bool(s.result.assessment and s.result.assessment.any_call) for s in answered]
    assert kappa[4] == pytest.approx(cohen_kappa_score(calls, says))


def test_the_better_network_is_shown_to_be_better(folder: Path) -> None:
    found = run_experiment([folder / "good", folder / "poor"], folder / "labels.csv", HOW)
    tests = _table(found, "Agreement")
    row = next(r for r in tests.rows if r[0] == "resnet (good) / resnet (poor)")
    cells = dict(zip(tests.columns, row, strict=True))
    difference = cells["AUC difference"]
    assert isinstance(difference, Interval)
    assert difference.low > 0
    assert float(str(cells["DeLong p"])) < 0.05
    subtypes = _table(found, "Subtype")
    good, poor = (_cells(subtypes, f"resnet ({n})")["macro F1"] for n in ("good", "poor"))
    assert isinstance(good, Interval)
    assert isinstance(poor, Interval)
    assert good.value > poor.value
    assert _cells(_table(found, "Volume"), "resnet (good)")["n"] is not None
    assert _cells(_table(found, "Location"), "resnet (good)")["side"] is not None


def test_recorded_answers_by_slice(folder: Path) -> None:
    sim = simulate(N)
    labels = _slice_labels(sim, folder / "slices.csv")
    rows = list(csv.reader(labels.read_text().splitlines()))
    wrong = [[uid, "0", "0", "0", "0", "0", "0"] for uid, *_ in rows[1:-12]]
    with (folder / "says_no.csv").open("w", newline="") as file:
        csv.writer(file).writerows([rows[0], *wrong])
    found = run_experiment([folder / "good", folder / "says_no.csv"], labels, HOW)
    reader = _cells(_table(found, "Presence"), "says_no (recorded)")
    assert (reader["n"], reader["no answer"]) == (6 * N - 12, 12)
    recall = reader["recall"]
    assert isinstance(recall, Interval)
    assert recall.value == 0
    assert any("recorded answers" in note for note in found.notes)


def test_recorded_answers_by_scan(folder: Path) -> None:
    write_labels(simulate(N), folder / "expert.csv")
    found = run_experiment([folder / "good", folder / "expert.csv"], folder / "labels.csv", HOW)
    reader = _cells(_table(found, "Presence"), "expert (recorded)")
    assert isinstance(reader["accuracy"], Interval)
    assert reader["accuracy"].value == 1.0


def test_a_recorded_reader_may_contradict_itself(folder: Path) -> None:
    rows = [f"{scan.study_uid};0;1" for scan in simulate(N)]
    (folder / "muddled.csv").write_text("\n".join(["study_uid;any;SDH", *rows, ""]))
    found = run_experiment([folder / "good", folder / "muddled.csv"], folder / "labels.csv", HOW)
    assert _cells(_table(found, "Presence"), "muddled (recorded)")["n"]


def test_what_the_labels_note_is_passed_on(folder: Path) -> None:
    with (folder / "labels.csv").open("a") as file:
        file.write("1.2.3.1,1\n")  # its first row says no
    found = run_experiment([folder / "good"], folder / "labels.csv", HOW)
    assert any("several rows" in note for note in found.notes)


def _expert(folder: Path, columns: list[str]) -> Path:
    """Right answers of an expert who was asked for these columns only."""
    rows = list(csv.DictReader((folder / "labels.csv").read_text().splitlines()))
    with (folder / "expert.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["study_uid", *columns], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return folder / "expert.csv"


def test_who_was_not_asked_for_subtypes_is_not_judged_on_them(folder: Path) -> None:
    sources = [folder / "good", _expert(folder, ["any"])]
    found = run_experiment(sources, folder / "labels.csv", HOW)
    assert "expert (recorded)" in [row[0] for row in _table(found, "Presence").rows]
    assert "expert (recorded)" not in [row[0] for row in _table(found, "Subtype").rows]


def test_who_was_asked_for_some_subtypes_has_no_macro_average(folder: Path) -> None:
    sources = [folder / "good", _expert(folder, ["any", "IPH"])]
    cells = _cells(
        _table(run_experiment(sources, folder / "labels.csv", HOW), "Subtype"), "expert (recorded)"
    )
    assert (cells["F1 IPH"], cells["F1 SDH"]) == (1.0, None)
    assert (cells["macro F1"], cells["accuracy"]) == (None, 1.0)


def test_slices10_draws_a_tenth_and_warns(folder: Path) -> None:
    labels = _slice_labels(simulate(N), folder / "slices.csv")
    sources = [folder / "good", folder / "poor"]
    found = run_experiment(sources, labels, HOW, protocol="slices10")
    assert _cells(_table(found, "Presence"), "resnet (good)")["n"] == round(0.1 * 6 * N)
    assert "fall on both sides" in found.notes[0]
    again = run_experiment(sources, labels, HOW, protocol="slices10")
    assert again.tables[0].rows == found.tables[0].rows
    assert not run_experiment(sources, labels, HOW).notes


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (["expert.csv"], "at least one results.json"),
        (["good", "other"], "answered by every reader"),
    ],
)
def test_what_cannot_be_compared(folder: Path, sources: list[str], message: str) -> None:
    write_labels(simulate(2), folder / "expert.csv")
    (folder / "other").mkdir()
    write_results([unread()], folder / "other" / "results.json")
    with pytest.raises(UsageError, match=message):
        run_experiment([folder / s for s in sources], folder / "labels.csv", HOW)


def test_unknown_protocol(folder: Path) -> None:
    with pytest.raises(UsageError, match="unknown protocol"):
        run_experiment([folder / "good"], folder / "labels.csv", HOW, protocol="all")
