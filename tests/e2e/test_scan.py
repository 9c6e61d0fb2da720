"""`ich scan`: a folder of DICOM in, one honest row per head CT out."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ich_cli.models.registry import list_cards
from ich_cli.reports.csv_ import COLUMNS, to_row
from ich_cli.reports.schema import schema_of
from tests.e2e.conftest import Command, Output
from tests.networks import write_bright_network


def adds_up(run: dict[str, Any]) -> bool:
    files = run["files"]
    return files["used"] + sum(files["skipped"].values()) == files["seen"]


def test_one_row_for_each_head_ct(scanned: Output):
    assert len(scanned.rows) == 3
    assert Counter(row["status"] for row in scanned.rows) == {"positive": 2, "negative": 1}


def test_all_formats_tell_the_same(scanned: Output):
    assert scanned.lines == scanned.records
    assert [tuple(row) for row in scanned.rows] == [COLUMNS] * 3
    assert scanned.rows == [to_row(record) for record in scanned.records]


def test_records_follow_the_shipped_schema(scanned: Output):
    validator = jsonschema.Draft202012Validator(schema_of("results"))
    for record in scanned.records:
        validator.validate(record)
    jsonschema.Draft202012Validator(schema_of("run")).validate(scanned.run)


def test_bleeds_are_found_on_their_side(scanned: Output):
    found = {row["side"] for row in scanned.rows if row["status"] == "positive"}
    assert found == {"left", "right"}


def test_tilt_is_told(scanned: Output):
    tilts = sorted(abs(float(row["tilt_deg"])) for row in scanned.rows)
    assert tilts[:2] == [0.0, 0.0]
    assert tilts[2] == pytest.approx(12.0, abs=0.1)


def test_every_slice_has_its_probabilities_and_instance(scanned: Output):
    for record in scanned.records:
        assert len(record["slices"]) == record["acquisition"]["n_slices"] > 20
        assert len({s["sop_uid"] for s in record["slices"]}) == len(record["slices"])


def test_every_file_is_used_or_has_a_reason(scanned: Output):
    run = scanned.run
    assert adds_up(run)
    assert run["files"]["used"] == sum(r["acquisition"]["n_slices"] for r in scanned.records)
    assert {"bone_kernel", "localizer", "not_dicom"} <= set(run["files"]["skipped"])


def test_run_tells_what_ran_on_what(scanned: Output):
    run = scanned.run
    assert run["device"]["used"] == "CPUExecutionProvider"
    assert len(run["model"]["sha256"]) == 64
    assert run["settings"]["threads"] == {"value": 1, "source": "flag --threads"}
    assert run["counts"] == {
        "scans": 3,
        "new": 3,
        "known": 0,
        "status": {"positive": 2, "negative": 1},
        "reason": {},
    }
    assert {"load", "judge", "infer", "measure"} <= set(run["timings_s"])


def test_patients_are_hashed(scanned: Output):
    for row in scanned.rows:
        assert len(row["patient_id"]) == 16
        int(row["patient_id"], 16)


def test_the_command_prints_positives_first_and_exits_with_0(
    ich: Command, studies: Path, model: Path, tmp_path: Path
):
    done = ich("scan", studies, "--model", model, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert done.out.index("positive") < done.out.index("negative")
    assert "Research use only" in done.out
    assert "CPUExecutionProvider" in done.out
    assert "3/3" in done.err
    again = ich("scan", studies, "--model", model, "--out", tmp_path / "out")
    assert again.code == 0
    assert "3 of them were known already" in again.out
    assert Output(tmp_path / "out").run["counts"]["new"] == 0


def test_quiet_says_nothing(ich: Command, studies: Path, model: Path, tmp_path: Path):
    done = ich(
        *("scan", studies / "normal", "--model", model, "--out", tmp_path / "out", "--quiet"),
        *("--keep-phi", "--format", "csv", "--log-file", tmp_path / "log.txt"),
    )
    assert (done.code, done.out, done.err) == (0, "", "")
    output = Output(tmp_path / "out")
    assert not (tmp_path / "out" / "results.json").exists()
    assert len(output.lines) == len(output.rows) == 1
    log = (tmp_path / "log.txt").read_text()
    assert "1/1" in log
    for secret in (output.rows[0]["patient_id"], output.rows[0]["series_uid"]):
        assert secret
        assert secret not in log


def test_calls_at_thresholds_that_the_card_does_not_state_are_told_as_such(
    ich: Command, studies: Path, scanned: Output, tmp_path: Path
):
    card = write_bright_network(tmp_path / "weights", thresholds={})
    out = tmp_path / "out"
    done = ich("scan", studies / "iph", "--model", card, "--out", out)
    (told,) = [line for line in done.err.splitlines() if line.startswith("warning:")]
    assert "default 0.5" in told
    assert "ich calibrate" in told
    (record,) = Output(out).records
    assert record["status"] == "positive"
    assert "default_thresholds" in record["flags"]
    assert Output(out).run["model"]["default_thresholds"] is True

    assert not any("default_thresholds" in one["flags"] for one in scanned.records)
    assert scanned.run["model"]["default_thresholds"] is False


def test_one_broken_series_does_not_stop_the_run(
    ich: Command, studies: Path, model: Path, tmp_path: Path
):
    shutil.copytree(studies / "normal", tmp_path / "in" / "good")
    shutil.copytree(studies / "edh", tmp_path / "in" / "cut")
    for path in (tmp_path / "in" / "cut").rglob("*.dcm"):
        path.write_bytes(path.read_bytes()[:-9000])
    done = ich("scan", tmp_path / "in", "--model", model, "--out", tmp_path / "out")
    assert done.code == 3
    output = Output(tmp_path / "out")
    statuses = Counter(row["status"] for row in output.rows)
    assert statuses["negative"] == 1
    assert statuses["positive"] == 0
    assert len(output.rows) == 2
    assert adds_up(output.run)
    assert output.run["counts"]["reason"]


def test_limit_leaves_the_rest_for_the_next_run(
    ich: Command, studies: Path, model: Path, tmp_path: Path
):
    arguments = ("scan", studies, "--model", model, "--out", tmp_path / "out", "--limit", 2)
    ich(*arguments)
    output = Output(tmp_path / "out")
    assert len(output.rows) == 2
    assert output.run["files"]["skipped"]["waiting"] > 20
    assert adds_up(output.run)
    ich(*arguments)
    assert len(output.rows) == 3
    assert adds_up(output.run)


def test_the_clinical_scan(ich: Command, shared_data: Path, tmp_path: Path):
    """One real head CT: 36 slices, tilted by 8°, headers stripped, a large bleed."""
    if not any(path.stem == "resnet" for path in list_cards()):
        pytest.skip("needs weights/resnet.onnx, which are not in this checkout")
    out = tmp_path / "out"
    done = ich("scan", shared_data / "rsna_volume", "--out", out, "--previews")
    assert done.code == 0, done.err
    output = Output(out)
    (row,) = output.rows
    assert (row["status"], row["n_slices"], row["iph_call"]) == ("positive", "36", "1")
    assert abs(float(row["tilt_deg"])) == pytest.approx(8.0, abs=0.5)
    assert float(row["spacing_z_mm"]) == pytest.approx(5.0, abs=0.1)
    assert row["slice_thickness_mm"] == row["kvp"] == ""
    assert row["side"] in {"right", "bilateral"}
    assert 5.0 < float(row["total_ml"]) < 80.0
    assert is_png(out / output.records[0]["artefacts"]["preview"])
    assert adds_up(output.run)


def test_files_for_each_scan_are_written_and_named(
    ich: Command, studies: Path, model: Path, tmp_path: Path
):
    out = tmp_path / "out"
    done = ich(
        *("scan", studies / "iph", "--model", model, "--out", out),
        *("--previews", "--masks", "nrrd", "--html"),
    )
    assert done.code == 0, done.err
    (record,) = Output(out).records
    written = record["artefacts"]
    assert set(written) == {"images", "masks", "montage", "preview"}
    assert is_png(out / written["preview"])
    assert is_png(out / written["montage"])
    assert (out / written["masks"]).read_bytes().startswith(b"NRRD")
    assert record["series_uid"] not in " ".join(written.values())
    assert "<html" in (out / "report.html").read_text(encoding="utf-8")


def is_png(path: Path) -> bool:
    return path.read_bytes().startswith(b"\x89PNG")


def test_odd_files_all_have_a_reason(ich: Command, shared_data: Path, model: Path, tmp_path: Path):
    folder = shared_data / "dicom_edge"
    done = ich("scan", folder, "--model", model, "--out", tmp_path / "out")
    assert done.code in {3, 4}
    output = Output(tmp_path / "out")
    run = output.run
    assert run["files"]["seen"] == sum(path.is_file() for path in folder.rglob("*"))
    assert adds_up(run)
    assert not {"positive", "negative", "indeterminate"} & set(run["counts"]["status"])
    validator = jsonschema.Draft202012Validator(schema_of("results"))
    for record in output.records:
        validator.validate(record)
        assert record["reason"]["code"] != "unexpected"


@pytest.mark.parametrize("out", ["results", "."])
def test_masks_written_among_the_scans_are_not_taken_for_scans(
    ich: Command, studies: Path, model: Path, tmp_path: Path, out: str
):
    inbox = tmp_path / "inbox"
    shutil.copytree(studies / "normal", inbox / "normal")
    again = ("scan", inbox, "--out", inbox / out, "--model", model, "--masks", "nifti")
    assert ich(*again).code == 0
    assert list(inbox.rglob("*.nii.gz"))
    assert ich(*again).code == 0
    output = Output(inbox / out)
    assert len(output.rows) == 1
    assert output.run["files"]["skipped"]["own_output"] == 1
    assert adds_up(output.run)
