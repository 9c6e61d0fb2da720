"""When the chosen series of a study turns out to be no head, its next best one is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread

from ich_cli.domain import Side, Subtype
from ich_cli.phantom.spec import Bleed, PhantomSpec
from ich_cli.phantom.study import write_studies
from tests.e2e.conftest import Command, Output


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Two series by the header equal but for the number of slices; the longer one is water."""
    bleed = (Bleed(Subtype.IPH, 40.0, Side.LEFT),)
    write_studies([PhantomSpec(seed=2, matrix=128, bleeds=bleed, name="s")], tmp_path / "in")
    files = sorted((tmp_path / "in").rglob("*.dcm"))
    highest = max(float(dcmread(path).ImagePositionPatient[2]) for path in files)
    for number, path in enumerate([*files, files[-1]]):
        dataset = dcmread(path)
        if number == len(files):
            dataset.ImagePositionPatient[2] = highest + 5.0
        dataset.PixelData = bytes(len(dataset.PixelData))
        dataset.SeriesInstanceUID = "2.25.77"
        dataset.SOPInstanceUID = f"2.25.77.{number}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.save_as(tmp_path / "in" / f"water{number}.dcm")
    return tmp_path / "in"


def test_the_next_best_series_is_read_and_both_have_a_row(
    ich: Command, study: Path, model: Path, tmp_path: Path
):
    arguments = ("scan", study, "--model", model, "--out", tmp_path / "out")
    assert ich(*arguments).code == 3
    output = Output(tmp_path / "out")
    water, head = output.records
    assert (water["series_uid"], water["status"]) == ("2.25.77", "not_analysable")
    assert (head["status"], head["side"]) == ("positive", "left")
    assert head["selection"]["instead_of"] == "2.25.77"
    files = output.run["files"]
    assert files["used"] + sum(files["skipped"].values()) == files["seen"]
    assert "not_preferred" not in files["skipped"]

    assert ich(*arguments).code == 3
    assert output.run["counts"]["known"] == 2
    assert output.run["counts"]["new"] == 0
    assert len(output.records) == 2
