"""When the chosen series of a study turns out to be no head, its next best one is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from ich_cli.domain import Side, Subtype
from ich_cli.phantom.spec import Bleed, PhantomSpec
from ich_cli.phantom.study import write_studies
from tests.e2e.conftest import Command, Output
from tests.quick import EMPTY_SERIES, write_empty_series


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Two series by the header equal but for the number of slices; the longer one shows air."""
    bleed = (Bleed(Subtype.IPH, 40.0, Side.LEFT),)
    write_studies([PhantomSpec(seed=2, matrix=128, bleeds=bleed, name="s")], tmp_path / "in")
    write_empty_series(tmp_path / "in", tmp_path / "in" / "empty", spacing_mm=5.0)
    return tmp_path / "in"


def test_the_next_best_series_is_read_and_both_have_a_row(
    ich: Command, study: Path, model: Path, tmp_path: Path
):
    arguments = ("scan", study, "--model", model, "--out", tmp_path / "out")
    assert ich(*arguments).code == 3
    output = Output(tmp_path / "out")
    empty, head = output.records
    assert (empty["series_uid"], empty["status"]) == (EMPTY_SERIES, "not_analysable")
    assert (head["status"], head["side"]) == ("positive", "left")
    assert head["selection"]["instead_of"] == EMPTY_SERIES
    files = output.run["files"]
    assert files["used"] + sum(files["skipped"].values()) == files["seen"]
    assert "not_preferred" not in files["skipped"]

    assert ich(*arguments).code == 3
    assert output.run["counts"]["known"] == 2
    assert output.run["counts"]["new"] == 0
    assert len(output.records) == 2
