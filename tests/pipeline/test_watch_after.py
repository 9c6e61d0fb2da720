from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from ich_cli.pipeline.watch_after import tidy
from ich_cli.pipeline.watch_store import Stamp, stamp_of
from ich_cli.pipeline.watch_study import StudyOutcome


@pytest.fixture
def files(tmp_path: Path) -> list[tuple[Path, Stamp]]:
    found = []
    for name in ("s/ax/1", "s/ax/2", "s/scout/1"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        stamp = stamp_of(path)
        assert stamp is not None
        found.append((path, stamp))
    return found


def used(files: list[tuple[Path, Stamp]], complete: bool = True) -> StudyOutcome:
    """The two axial slices were analysed, the scout was not."""
    return StudyOutcome(used={files[0][0], files[1][0]}, complete=complete)


def left(tmp_path: Path) -> list[str]:
    root = tmp_path / "in"
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


def test_keep_touches_nothing(tmp_path: Path, files: list[tuple[Path, Stamp]]) -> None:
    tidy(used(files), files, "keep", [tmp_path / "in"])
    assert len(left(tmp_path)) == 3


def test_delete_removes_what_was_analysed_and_nothing_else(
    tmp_path: Path, files: list[tuple[Path, Stamp]]
) -> None:
    tidied = tidy(used(files), files, "delete", [tmp_path / "in"])
    assert left(tmp_path) == ["s/scout/1"]
    assert len(tidied.deleted) == 2


@pytest.mark.parametrize("mode", ["move", "delete"])
def test_a_study_that_was_not_answered_whole_stays(
    tmp_path: Path, files: list[tuple[Path, Stamp]], mode: Literal["move", "delete"]
) -> None:
    outcome = used(files, complete=False)
    tidy(outcome, files, mode, [tmp_path / "in"], tmp_path / "done")
    assert len(left(tmp_path)) == 3


@pytest.mark.parametrize("mode", ["move", "delete"])
def test_a_file_that_changed_since_is_not_what_was_analysed(
    tmp_path: Path, files: list[tuple[Path, Stamp]], mode: Literal["move", "delete"]
) -> None:
    files[0][0].write_text("another file of the same name")
    tidy(used(files), files, mode, [tmp_path / "in"], tmp_path / "done")
    assert "s/ax/1" in left(tmp_path)
    assert "s/ax/2" not in left(tmp_path)


def test_move_keeps_the_place_below_the_watched_folder(
    tmp_path: Path, files: list[tuple[Path, Stamp]]
) -> None:
    tidied = tidy(used(files), files, "move", [tmp_path / "in"], tmp_path / "done")
    assert left(tmp_path) == []
    assert (tmp_path / "done" / "s/scout/1").read_text() == "s/scout/1"
    assert len(tidied.moved) == 3


def test_move_never_overwrites(tmp_path: Path, files: list[tuple[Path, Stamp]]) -> None:
    taken = tmp_path / "done" / "s/ax/1"
    taken.parent.mkdir(parents=True)
    taken.write_text("of another study")
    tidy(used(files), files, "move", [tmp_path / "in"], tmp_path / "done")
    assert taken.read_text() == "of another study"
    assert (tmp_path / "done" / "s/ax/1-1").read_text() == "s/ax/1"


def test_what_cannot_be_moved_stays_and_is_named(
    tmp_path: Path, files: list[tuple[Path, Stamp]]
) -> None:
    (tmp_path / "done").write_text("a file where the folder should be")
    tidied = tidy(used(files), files, "move", [tmp_path / "in"], tmp_path / "done")
    assert len(left(tmp_path)) == 3
    assert len(tidied.kept_by_error) == 3
