from __future__ import annotations

import os
from pathlib import Path

import pytest

from ich_cli.errors import OutputError
from ich_cli.pipeline.watch_store import STORE_FILE, Stamp, WatchStore, stamp_of


def put(path: Path, content: bytes = b"x") -> tuple[Path, Stamp]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    stamp = stamp_of(path)
    assert stamp is not None
    return path, stamp


def test_a_file_is_known_as_it_was_and_not_as_it_became(tmp_path: Path) -> None:
    file = put(tmp_path / "in" / "a")
    with WatchStore.open(tmp_path) as store:
        assert not store.knows(*file)
        store.remember("study", [file])
        assert store.knows(*file)
        assert not store.knows(*put(tmp_path / "in" / "a", b"longer"))


def test_what_is_known_outlives_a_restart(tmp_path: Path) -> None:
    file = put(tmp_path / "in" / "a")
    with WatchStore.open(tmp_path) as store:
        store.remember("study", [file])
    with WatchStore.open(tmp_path) as store:
        assert store.knows(*file)
        assert store.files_of("study") == [file[0]]


def test_moved_files_are_still_of_their_study(tmp_path: Path) -> None:
    file = put(tmp_path / "in" / "a")
    with WatchStore.open(tmp_path) as store:
        store.remember("study", [file])
        store.moved([(file[0], tmp_path / "done" / "a")])
        assert store.files_of("study") == [tmp_path / "done" / "a"]


def test_files_that_are_no_longer_there_are_forgotten(tmp_path: Path) -> None:
    files = [put(tmp_path / "in" / name) for name in "abc"]
    with WatchStore.open(tmp_path) as store:
        store.remember("study", files)
        files[1][0].unlink()
        assert store.forget_missing() == 1
        assert len(store.files_of("study")) == 2


@pytest.mark.skipif(os.name != "posix", reason="names of bytes")
def test_names_need_be_no_text(tmp_path: Path) -> None:
    file = put(Path(os.fsdecode(os.fsencode(tmp_path) + b"/in/\xff\xfe")))
    with WatchStore.open(tmp_path) as store:
        store.remember("study", [file])
        assert store.files_of("study") == [file[0]]


def test_links_have_no_stamp(tmp_path: Path) -> None:
    path, _ = put(tmp_path / "a")
    (tmp_path / "link").symlink_to(path)
    assert stamp_of(tmp_path / "link") is None
    assert stamp_of(tmp_path) is None
    assert stamp_of(tmp_path / "missing") is None


def test_a_damaged_store_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / STORE_FILE).write_bytes(b"rubbish" * 1000)
    with WatchStore.open(tmp_path) as store:
        assert store.files_of("study") == []


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot open"):
        WatchStore.open(tmp_path / "file")


def test_studies_are_told_by_the_folder_itself(tmp_path: Path) -> None:
    with WatchStore.open(tmp_path) as store:
        for study, name in [("a", "in/1"), ("b", "in/2"), ("c", "in/deep/3"), ("d", "in-2/4")]:
            store.remember(study, [put(tmp_path / name)])
        store.remember(None, [put(tmp_path / "in/readme")])
        assert store.studies_in(tmp_path / "in") == {"a", "b"}
        assert store.studies_in(tmp_path / "in" / "deep") == {"c"}
