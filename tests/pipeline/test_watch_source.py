from __future__ import annotations

from pathlib import Path

from ich_cli.pipeline.watch_source import walk_files
from tests.few_calls import few_calls


def test_files_are_found_at_any_depth_and_links_are_not_followed(tmp_path: Path) -> None:
    for name in ("b/2", "a/deep/1", "c.dcm"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "b")
    assert sorted(path.name for path in walk_files(tmp_path)) == ["1", "2", "c.dcm"]


def test_folders_may_nest_deeper_than_calls_can(tmp_path: Path) -> None:
    deepest = tmp_path.joinpath(*"d" * 150)
    deepest.mkdir(parents=True)
    (deepest / "file").write_text("x")
    with few_calls():
        assert list(walk_files(tmp_path)) == [deepest / "file"]
