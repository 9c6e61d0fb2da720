from __future__ import annotations

import os

import pytest

from ich_cli.dicom.walk import walk
from ich_cli.errors import UsageError
from tests.few_calls import few_calls


def names(found) -> list[str]:
    return [file.path.name for file in found.files]


def why(found) -> dict[str, str]:
    return {skip.file.path.name: skip.reason.code for skip in found.skipped}


def test_files_are_found_at_any_depth_in_a_stable_order(tmp_path):
    for name in ("b/2", "a/deep/1", "c.dcm"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert names(walk([tmp_path])) == ["1", "2", "c.dcm"]


def test_empty_files_pipes_and_broken_links_are_named(tmp_path):
    (tmp_path / "empty").touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert why(walk([tmp_path])) == {
        "empty": "empty_file",
        "pipe": "not_a_file",
        "link": "broken_link",
    }


def test_a_loop_of_links_ends(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_text("x")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    found = walk([tmp_path])
    assert names(found) == ["file"]
    assert why(found) == {"up": "symlink_loop"}


def test_a_link_to_itself_is_named(tmp_path):
    (tmp_path / "self").symlink_to(tmp_path / "self")
    assert why(walk([tmp_path])) == {"self": "broken_link"}


def test_a_folder_reached_twice_is_read_once(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_text("x")
    (tmp_path / "again").symlink_to(tmp_path / "real")
    found = walk([tmp_path])
    assert names(found) == ["file"]
    assert why(found) == {"again": "folder_seen"}


def test_links_to_folders_and_files_elsewhere_are_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("x")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "elsewhere")
    assert names(walk([tmp_path / "root"])) == ["file"]


def test_overlapping_paths_give_each_file_once(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_text("x")
    found = walk([tmp_path, tmp_path / "a", tmp_path / "a" / "file", tmp_path])
    assert names(found) == ["file"]
    assert found.skipped == []


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser reads every folder")
def test_an_unreadable_folder_is_named(tmp_path):
    (tmp_path / "locked").mkdir(mode=0)
    assert why(walk([tmp_path])) == {"locked": "unreadable_folder"}


def test_folders_may_nest_deeper_than_calls_can(tmp_path):
    deepest = tmp_path.joinpath(*"d" * 150)
    deepest.mkdir(parents=True)
    (deepest / "file").write_text("x")
    with few_calls():
        assert names(walk([tmp_path])) == ["file"]


def test_a_missing_path_says_what_to_do(tmp_path):
    with pytest.raises(UsageError, match="check the path"):
        walk([tmp_path / "gone"])


def test_names_need_not_be_text(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9")).write_bytes(b"x")
    assert len(walk([tmp_path]).files) == 1


def test_a_folder_of_results_is_entered_only_when_it_is_asked_for(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "file").write_text("x")
    left_out = [tmp_path / "results", tmp_path / "gone"]
    assert why(walk([tmp_path], leave_out=left_out)) == {"results": "own_output"}
    assert names(walk([tmp_path / "results"], leave_out=left_out)) == ["file"]
