"""A label by study or patient is told of where it stands for several examinations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ich_cli.evaluation.evaluate import evaluate
from ich_cli.evaluation.labels import LabelSet, Truth, complete
from ich_cli.evaluation.match import match
from ich_cli.evaluation.presence import Resampling
from ich_cli.evaluation.results import ScoredScan, load_results
from tests.evaluation.simulated import simulate, write_results

YES, NO = complete({"IPH": True}), complete({"any": False})


def scans_at(tmp_path: Path, *moments: str | None) -> tuple[ScoredScan, ...]:
    """Scans of one study, acquired when they are said to be, and one of another study."""
    path = write_results(simulate(len(moments) + 1), tmp_path / "results.json")
    records = json.loads(path.read_text(encoding="utf-8"))
    for record, moment in zip(records, moments, strict=False):
        record |= {"study_uid": "1.2", "patient_id": "one", "acquisition_datetime": moment}
    path.write_text(json.dumps(records), encoding="utf-8")
    return load_results(path)


def notes(scans: tuple[ScoredScan, ...], *truths: Truth) -> list[str]:
    labels = LabelSet("own_csv", scans={truth.id: truth for truth in truths})
    found = evaluate(match(scans, labels), Resampling(100, 0)).notes
    return [note for note in found if note.startswith("Labels that several examinations share")]


def test_two_examinations_of_one_study_with_one_label(tmp_path: Path) -> None:
    scans = scans_at(tmp_path, "2024-01-31T22:05:10", "2024-02-01T00:05:10")
    (note,) = notes(scans, Truth("1.2", YES), Truth(scans[2].study_uid, NO))
    assert "share: 1, of 2 scans." in note
    assert "label them by series UID" in note


def test_two_studies_of_a_patient_with_one_label(tmp_path: Path) -> None:
    scans = scans_at(tmp_path, None)
    shared = Truth(scans[1].patient, YES)
    assert notes(scans, shared) == []
    path = tmp_path / "results.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"one"', f'"{scans[1].patient}"'))
    assert len(notes(load_results(path), shared)) == 1


def test_a_label_for_each_series_is_no_matter(tmp_path: Path) -> None:
    scans = scans_at(tmp_path, "2024-01-31T22:05:10", "2024-02-01T00:05:10")
    assert notes(scans, *(Truth(scan.series_uid, YES) for scan in scans)) == []


@pytest.mark.parametrize("second", ["2024-01-31T22:15:00", None])
def test_two_series_of_one_examination_share_a_label_rightly(
    tmp_path: Path, second: str | None
) -> None:
    assert notes(scans_at(tmp_path, "2024-01-31T22:05:10", second), Truth("1.2", YES)) == []
