"""Two head CTs of one night in one study: both are read, and told apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread

from ich_cli.domain import Side, Subtype
from ich_cli.phantom.spec import Bleed, PhantomSpec
from ich_cli.phantom.study import write_study
from tests.e2e.conftest import Command, Output


@pytest.fixture
def night(tmp_path: Path) -> Path:
    """A head without blood at the admission, and with blood in the control, as one study."""
    study = tmp_path / "in"
    bleed = Bleed(Subtype.IPH, 40.0, Side.LEFT)
    admission = write_study(PhantomSpec(seed=2, matrix=128, name="admission"), study)
    control = write_study(PhantomSpec(seed=2, matrix=128, bleeds=(bleed,), name="control"), study)
    for path in control.folder.rglob("*.dcm"):
        ds = dcmread(path)
        ds.StudyInstanceUID = admission.study_uid
        ds.AcquisitionTime = "233000"
        ds.save_as(path)
    return study


def test_both_are_read_and_told_apart(ich: Command, night: Path, model: Path, tmp_path: Path):
    out = Output(tmp_path / "out")
    arguments = ("scan", night, "--model", model, "--out", out.folder, "--html", "--previews")
    assert ich(*arguments).code == 0
    assert {row["acquisition_datetime"]: row["status"] for row in out.rows} == {
        "2000-01-01T12:00:00": "negative",
        "2000-01-01T23:30:00": "positive",
    }
    assert len({row["study_uid"] for row in out.rows}) == 1
    pictures = [record["artefacts"] for record in out.records]
    assert len({one["preview"] for one in pictures}) == 2
    page = (out.folder / "report.html").read_text(encoding="utf-8")
    assert '<td class="date">2000-01-01 12:00</td>' in page
    assert '<td class="date">2000-01-01 23:30</td>' in page
    files = out.run["files"]
    assert files["used"] == files["seen"]

    assert ich(*arguments).code == 0
    assert (out.run["counts"]["known"], out.run["counts"]["new"], len(out.rows)) == (2, 0, 2)
