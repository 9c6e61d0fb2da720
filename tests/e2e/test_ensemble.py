"""`ich scan --model both.yaml`: two networks, one answer, from DICOM to reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ich_cli.models.card import load_card
from ich_cli.reports.schema import schema_of
from tests.e2e.conftest import Command, Output
from tests.models.toy import write_ensemble
from tests.networks import write_bright_network


@pytest.fixture
def both(tmp_path: Path) -> Path:
    """The network that finds bright voxels, and a more timid sister of it."""
    folder = tmp_path / "weights"
    write_bright_network(folder, "bright")
    write_bright_network(folder, "timid", calibration={"bias": -1.0})
    return write_ensemble(folder, "bright", "timid", scan={"method": "rank", "rank": 2})


def any_probs(output: Output) -> list[float]:
    return [one["probs"]["any"] for record in output.records for one in record["slices"]]


def test_a_bleed_is_found_measured_and_drawn(
    ich: Command, studies: Path, both: Path, scanned: Output, tmp_path: Path
):
    done = ich(
        *("scan", studies / "iph", "--model", both, "--out", tmp_path / "out"),
        *("--previews", "--masks", "nrrd", "--html", "--device", "cpu"),
    )
    assert done.code == 0, done.err
    assert "model both on CPUExecutionProvider" in done.out
    output = Output(tmp_path / "out")
    (row,) = output.rows
    assert (row["status"], row["iph_call"], row["side"]) == ("positive", "1", "left")
    (alone,) = [one for one in scanned.rows if one["iph_call"] == "1" and one["side"] == "left"]
    assert float(row["total_ml"]) == pytest.approx(float(alone["total_ml"]), rel=0.01)
    assert float(row["any_prob"]) <= float(alone["any_prob"])
    assert {"preview", "masks"} <= set(output.records[0]["artefacts"])
    assert (row["model"], row["model_sha256"]) == ("both", load_card(both).sha256)
    assert output.run["model"]["sha256"] == load_card(both).sha256
    validator = jsonschema.Draft202012Validator(schema_of("results"))
    validator.validate(output.records[0])
    jsonschema.Draft202012Validator(schema_of("run")).validate(output.run)


def test_a_member_that_changes_makes_every_scan_new(
    ich: Command, studies: Path, both: Path, tmp_path: Path
):
    arguments = ("scan", studies / "iph", "--model", both, "--out", tmp_path / "out")

    def counts() -> dict[str, Any]:
        assert ich(*arguments).code == 0
        run: dict[str, Any] = Output(tmp_path / "out").run["counts"]
        return run

    assert counts()["new"] == 1
    assert counts()["new"] == 0
    write_bright_network(both.parent, "timid", calibration={"bias": -2.0})
    assert counts()["new"] == 1


def test_a_bad_member_is_one_line(ich: Command, studies: Path, both: Path, tmp_path: Path):
    fields = yaml.safe_load(both.read_text())
    both.write_text(yaml.safe_dump({**fields, "members": ["bright.yaml", "gone.yaml"]}))
    done = ich("scan", studies, "--model", both, "--out", tmp_path / "out")
    assert done.code == 2
    assert len(done.err.strip().splitlines()) == 1
    assert "gone.yaml: cannot read the model card" in done.err
    assert not (tmp_path / "out" / "results.csv").exists()
