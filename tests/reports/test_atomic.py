"""A report appears whole or not at all."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ich_cli.errors import OutputError
from ich_cli.reports.atomic import atomic_path, atomic_text, make_folder


def write_half(path: Path) -> None:
    with atomic_text(path) as file:
        file.write("half")
        _ = 1 / 0


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path):
    path = tmp_path / "report.txt"
    path.write_text("old")
    with atomic_text(path) as file:
        file.write("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path):
    path = tmp_path / "report.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError):
        write_half(path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["report.txt"]


def test_only_owner_and_group_can_read(tmp_path: Path):
    with atomic_text(tmp_path / "report.txt") as file:
        file.write("x")
    assert stat.S_IMODE((tmp_path / "report.txt").stat().st_mode) == 0o640


def test_temporary_path_keeps_the_suffix_for_libraries_that_look_at_it(tmp_path: Path):
    with atomic_path(tmp_path / "mask.nii.gz") as path:
        assert path.name.endswith(".nii.gz")
        path.write_bytes(b"x")
    assert (tmp_path / "mask.nii.gz").read_bytes() == b"x"


def test_a_missing_folder_is_one_clear_error(tmp_path: Path):
    with (
        pytest.raises(OutputError, match=r"cannot write .*gone"),
        atomic_text(tmp_path / "gone" / "report.txt"),
    ):
        pass


def test_output_folder_is_made(tmp_path: Path):
    make_folder(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_file_in_place_of_the_folder_is_one_clear_error(tmp_path: Path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="choose another with --out"):
        make_folder(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"
