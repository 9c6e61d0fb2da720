"""A run that was killed while it wrote a line costs that line alone."""

from __future__ import annotations

from pathlib import Path

from benchmarks.json_lines import append_row, read_rows


def test_rows_come_back_in_order(tmp_path: Path) -> None:
    for number in range(3):
        append_row(tmp_path / "rows", {"n": number, "µ": "ä"})
    assert [row["n"] for row in read_rows(tmp_path / "rows")] == [0, 1, 2]
    assert (tmp_path / "rows").read_text().count("\n") == 3


def test_no_file_has_no_rows(tmp_path: Path) -> None:
    assert read_rows(tmp_path / "rows") == []


def test_a_line_cut_short_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    append_row(path, {"n": 0})
    with path.open("a") as stream:
        stream.write('{"n": 1, "more": {"x": 1}')
    assert read_rows(path) == [{"n": 0}]
    append_row(path, {"n": 2})
    assert read_rows(path) == [{"n": 0}, {"n": 2}]
