"""The reader understands what the record writer writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ich_cli.errors import UsageError
from ich_cli.evaluation.results import load_records, load_results
from tests.evaluation.simulated import records, simulate, unread, write_results


def test_a_written_record_is_read_back(tmp_path: Path) -> None:
    sim = simulate(4)
    scans = load_results(write_results(sim, tmp_path / "results.json"))
    first = scans[0]
    assert (first.study_uid, first.patient, first.status) == ("1.2.3.0", "patient 0", "positive")
    assert [s.sop_uid for s in first.slices] == list(sim[0].slices)
    assert sim[0].result.slice_probs is not None
    assert first.slices[3].probs["any"] == pytest.approx(sim[0].result.slice_probs[3, 0], abs=1e-5)
    assert first.answer.side == "left"
    assert first.answer.region == "frontal"
    assert first.answer.ml["EDH"] == pytest.approx(sim[0].ml["total"], rel=0.5)
    assert first.opinion is not None
    assert first.opinion.calls["any"] is False
    assert scans[1].opinion is not None
    assert scans[1].opinion.calls["any"] is None
    assert scans[3].opinion is None


def test_an_unread_scan_has_no_answer(tmp_path: Path) -> None:
    (scan,) = load_results(write_results([unread()], tmp_path / "results.json"))
    assert (scan.status, scan.reason) == ("not_analysable", "gap")
    assert scan.answer.calls == {}
    assert scan.answer.ml["total"] is None
    assert scan.slices == ()


def test_folder_and_jsonl(tmp_path: Path) -> None:
    lines = [json.dumps(record) for record in records(simulate(3))]
    (tmp_path / "results.jsonl").write_text("\n".join(lines) + "\n" + lines[0][:40])
    assert len(load_results(tmp_path)) == 3


def test_line_ends_of_unicode_end_no_record(tmp_path: Path) -> None:
    """The writer leaves them as they are; headers of DICOM files may hold them."""
    odd = "CT\x85head\u2028axial\u2029\x0b\x0c\x1c"
    lines = [record | {"series_description": odd} for record in records(simulate(2))]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (tmp_path / "results.jsonl").write_text(text, encoding="utf-8")
    read = load_records(tmp_path)
    assert [record["series_description"] for record in read] == [odd, odd]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "{", "not valid JSON"),
        ("a.json", '{"status": "positive"}', "not a results file"),
        ("a.json", '[{"status": 1, "study_uid": "1"}]', "not a results file"),
        (
            "a.json",
            '[{"status": "positive", "study_uid": "1", "series_uid": "2", "slices": [{}]}]',
            "ich schema",
        ),
    ],
)
def test_what_is_no_results_file_is_said_so(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match=message):
        load_results(tmp_path / name)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        load_results(tmp_path / "no.json")
    with pytest.raises(UsageError, match="holds no results"):
        load_results(tmp_path)
