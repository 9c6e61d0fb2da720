"""Studies and sets on disk, and their truth table."""

from __future__ import annotations

import csv
from pathlib import Path

import pydicom
import pytest

from ich_cli.domain import Side, Subtype
from ich_cli.errors import OutputError, UsageError
from ich_cli.phantom.spec import Bleed, PhantomSpec
from ich_cli.phantom.study import set_specs, write_set, write_studies
from ich_cli.phantom.truth import COLUMNS

TINY = PhantomSpec(matrix=64, spacing_mm=(10.0,))


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "truth.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_demo_set_is_a_normal_head_and_one_of_each_subtype(tmp_path: Path) -> None:
    truths = write_set("demo", tmp_path, TINY)
    rows = table(tmp_path)
    assert [row["subtype"] for row in rows] == ["", "EDH", "IPH", "IVH", "SAH", "SDH"]
    assert tuple(rows[0]) == COLUMNS
    assert float(rows[0]["ml"]) == 0.0
    for row, truth in zip(rows, truths, strict=True):
        assert row["study_uid"] == truth.study_uid
        assert row["series_uid"] == truth.series_uid
        if row["subtype"]:
            wanted = Bleed(Subtype(row["subtype"])).target_ml
            assert float(row["ml"]) == pytest.approx(wanted, rel=0.05)
            assert float(row["left_ml"]) + float(row["right_ml"]) == pytest.approx(
                float(row["ml"]), abs=0.01
            )


def test_demo_normal_has_a_scout_and_a_bone_series_of_the_same_study(tmp_path: Path) -> None:
    truth = write_studies(set_specs("demo", TINY)[:1], tmp_path)[0]
    heads = [
        pydicom.dcmread(next((truth.folder / name).glob("*.dcm")))
        for name in ("axial", "localizer", "bone")
    ]
    assert len({ds.StudyInstanceUID for ds in heads}) == 1
    assert len({ds.SeriesInstanceUID for ds in heads}) == 3
    assert "LOCALIZER" in heads[1].ImageType
    assert heads[2].ConvolutionKernel == "BONE"


def test_mixed_set_goes_on_and_changes_sides() -> None:
    specs = set_specs("mixed", TINY, 14)
    assert len(specs) == 14
    assert len({spec.folder for spec in specs}) == 14
    assert specs[1].bleeds[0].side is Side.RIGHT
    assert specs[7].bleeds[0].side is Side.LEFT
    assert specs[12].bleeds == ()


def test_unknown_set_is_refused() -> None:
    with pytest.raises(UsageError, match="demo"):
        set_specs("party", TINY)


def test_truth_table_grows_and_replaces_what_is_written_again(tmp_path: Path) -> None:
    small = {"matrix": 64, "slices": 2}
    write_studies([PhantomSpec(seed=1, **small)], tmp_path)
    write_studies([PhantomSpec(seed=2, **small)], tmp_path)
    write_studies([PhantomSpec(seed=1, **small)], tmp_path)
    assert sorted(row["study"] for row in table(tmp_path)) == ["normal_0001", "normal_0002"]


def test_two_bleeds_are_two_rows_of_one_study(tmp_path: Path) -> None:
    bleeds = (Bleed(Subtype.IPH, 20), Bleed(Subtype.IVH, 8))
    write_studies([PhantomSpec(seed=3, bleeds=bleeds, matrix=96)], tmp_path)
    rows = table(tmp_path)
    assert [row["subtype"] for row in rows] == ["IPH", "IVH"]
    assert len({row["study_uid"] for row in rows}) == 1


def test_two_bleeds_of_one_subtype_have_their_own_millilitres(tmp_path: Path) -> None:
    bleeds = (
        Bleed(Subtype.IPH, 10, Side.LEFT, "frontal"),
        Bleed(Subtype.IPH, 20, Side.RIGHT, "occipital"),
    )
    write_studies([PhantomSpec(seed=3, bleeds=bleeds, matrix=96)], tmp_path)
    rows = table(tmp_path)
    assert [float(row["left_ml"]) for row in rows] == pytest.approx([10, 0], abs=0.5)
    assert [float(row["right_ml"]) for row in rows] == pytest.approx([0, 20], abs=0.5)
    assert [float(row["ml"]) for row in rows] == pytest.approx([10, 20], abs=0.5)


def test_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OutputError, match="cannot make") as error:
        write_studies([TINY], tmp_path / "file" / "sub")
    assert "\n" not in str(error.value)
