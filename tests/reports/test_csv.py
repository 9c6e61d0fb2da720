"""results.csv: the agreed columns, empty for unknown, harmless in a spreadsheet."""

from __future__ import annotations

import csv
from pathlib import Path

from ich_cli.reports.csv_ import COLUMNS, cell, to_row, write_csv
from tests.reports.examples import HASHED, failed, negative, positive, records, to_record

AGREED = """schema_version, status, reason, study_uid, series_uid, patient_id, study_date,
series_description, n_slices, slice_thickness_mm, spacing_z_mm, tilt_deg, kvp,
any_prob, edh_prob, iph_prob, ivh_prob, sah_prob, sdh_prob,
any_call, edh_call, iph_call, ivh_call, sah_call, sdh_call,
total_ml, edh_ml, iph_ml, ivh_ml, sah_ml, sdh_ml,
side, location, key_slice, key_sop_uid,
abc2_ml, midline_shift_mm, infratentorial, volume_ge_30ml,
mllm, mllm_any, mllm_subtypes, mllm_side, mllm_location, mllm_ml, tier,
model, model_sha256, flags, seconds, ich_version, acquisition_datetime"""


def test_columns_are_those_of_the_contract_in_their_order():
    agreed = [name.strip() for name in AGREED.replace("\n", " ").split(",")]
    assert list(COLUMNS) == agreed


def test_file_is_readable_as_csv(tmp_path: Path):
    write_csv(records(), tmp_path / "results.csv")
    with (tmp_path / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["negative", "failed", "positive"]
    assert tuple(rows[0]) == COLUMNS


def test_positive_row():
    row = to_row(to_record(positive(), HASHED))
    assert row["any_prob"] == "0.97"
    assert row["iph_call"] == "1"
    assert row["sdh_call"] == "0"
    assert row["iph_ml"] == row["total_ml"] == "24.1"
    assert row["edh_ml"] == ""
    assert (row["side"], row["location"]) == ("left", "left putamen")
    assert (row["midline_shift_mm"], row["infratentorial"], row["abc2_ml"]) == ("4.2", "0", "")
    assert row["volume_ge_30ml"] == "0"
    assert (row["mllm"], row["mllm_any"], row["mllm_subtypes"]) == ("gemini", "1", "IPH;IVH")
    assert row["tilt_deg"] == "-8"
    assert row["spacing_z_mm"] == "5"
    assert row["flags"] == "no_midplane;tilt"
    assert row["acquisition_datetime"] == "2024-01-31T22:05:10"


def test_a_record_from_before_the_time_was_noted_is_still_written():
    record = to_record(positive(), HASHED)
    del record["acquisition_datetime"]
    assert to_row(record)["acquisition_datetime"] == ""


def test_unknown_is_empty_and_never_zero():
    row = to_row(to_record(failed(), HASHED))
    known = {name for name, text in row.items() if text}
    assert known == {
        *("schema_version", "status", "reason", "study_uid", "series_uid", "patient_id"),
        *("study_date", "n_slices", "seconds", "ich_version"),
    }


def test_without_second_reader_its_columns_are_empty():
    row = to_row(to_record(negative(), HASHED))
    assert [row[name] for name in COLUMNS if name.startswith("mllm")] == [""] * 6
    assert row["tier"] == ""


def test_numbers_stay_numbers():
    assert cell(-8.25) == "-8.25"
    assert cell(0.1 + 0.2) == "0.3"
    assert cell(3) == "3"
