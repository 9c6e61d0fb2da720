"""A copy that broke off is not taken for a whole scan."""

from __future__ import annotations

from pathlib import Path

import pytest

from ich_cli.dicom.discover import discover
from ich_cli.dicom.volume import load_volume
from ich_cli.domain import NotAnalysable, Series, Volume
from ich_cli.pipeline.content_key import content_key
from tests.dicom.ct_files import write_ct, write_stack

PLACES = [5.0 * i for i in range(20)]


def only_series(folder: Path) -> Series:
    (series,) = discover([folder]).series
    return series


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "empty_file"), (b"\0" * 2000, "not_dicom"), (None, "broken_header")],
    ids=["empty", "zeros", "cut in the header"],
)
def test_a_scan_that_lacks_many_slices_is_not_analysed(tmp_path, content, code):
    for path in write_stack(tmp_path, PLACES)[-3:]:
        path.write_bytes(path.read_bytes()[:500] if content is None else content)
    loaded = load_volume(only_series(tmp_path))
    assert isinstance(loaded, NotAnalysable)
    assert loaded.reason.code == "incomplete"
    assert loaded.reason.detail == f"3 files beside its 17 cannot be read, 3 {code}"
    assert len(loaded.skipped) == 17, "the unread files have a reason of their own"


def test_a_scan_that_lacks_few_slices_says_so(tmp_path):
    write_stack(tmp_path, PLACES)[-1].write_bytes(b"")
    loaded = load_volume(only_series(tmp_path))
    assert isinstance(loaded, Volume)
    assert "slices_lost" in loaded.flags
    assert loaded.unseen_mm == 5.0


@pytest.mark.parametrize("name", ["READY", ".lock.dcm", "notes.txt", "elsewhere/999.dcm"])
def test_empty_files_that_can_be_no_slices_cost_nothing(tmp_path, name):
    write_stack(tmp_path, PLACES)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    assert only_series(tmp_path).unread == ()


def test_where_studies_lie_together_nothing_tells_whose_slice_it_was(tmp_path):
    write_stack(tmp_path, PLACES)
    write_ct(tmp_path / "other.dcm", StudyInstanceUID="9.9", SeriesInstanceUID="9.9.1")
    (tmp_path / "999.dcm").touch()
    assert [series.unread for series in discover([tmp_path]).series] == [(), ()]


def test_names_that_are_uids_have_no_suffix(tmp_path):
    for number, path in enumerate(write_stack(tmp_path, PLACES)):
        path.rename(tmp_path / f"1.2.3.{number}")
    (tmp_path / "1.2.3.99").touch()
    assert len(only_series(tmp_path).unread) == 1


def test_a_scan_is_new_work_once_the_unread_files_are_gone(tmp_path):
    write_stack(tmp_path, PLACES)
    (tmp_path / "999.dcm").touch()
    before = content_key(only_series(tmp_path), "recipe")
    (tmp_path / "999.dcm").unlink()
    after = content_key(only_series(tmp_path), "recipe")
    assert before.digest != after.digest
    assert before.identity == after.identity
