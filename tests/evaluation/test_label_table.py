"""A table of labels is read as its program meant it, or refused; never half understood."""

from __future__ import annotations

from pathlib import Path

import pytest

from ich_cli.errors import UsageError
from ich_cli.evaluation.label_table import read_header, read_rows


def _table(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "labels.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    "text",
    [
        "id,any,ml\na,1,12.5\n",
        "id;any;ml\r\na;1;12,5\r\n",
        "id\tany\tml\na\t1\t12,5\n",
        'sep=;\n"id";"any";"ml"\n"a";"1";"12,5"\n',
        "\n\nid,any,ml,,\n,,,,\na,1,12.5,,\n\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_however_a_spreadsheet_writes_it(tmp_path: Path, text: str, encoding: str) -> None:
    path = _table(tmp_path, text, encoding)
    header, rows = read_rows(path)
    assert header == read_header(path) == ("id", "any", "ml")
    assert [row for _, row in rows] == [{"id": "a", "any": "1", "ml": "12.5"}]


def test_a_decimal_comma_between_commas_is_not_half_a_number(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line 3: more cells than the header has columns"):
        read_rows(_table(tmp_path, "id,any,ml\na,0,\nb,1,12,5\n"))
    with pytest.raises(UsageError, match="line 2: more cells"):
        read_rows(_table(tmp_path, "id,any,ml,\nb,1,12,5\n"))


def test_a_short_row_has_empty_cells(tmp_path: Path) -> None:
    _, rows = read_rows(_table(tmp_path, "id,any,ml\na\n"))
    assert rows == [(2, {"id": "a", "any": "", "ml": ""})]


def test_rows_know_their_line_of_the_file(tmp_path: Path) -> None:
    text = 'sep=,\nid,note\na,"one\ntwo"\n\nb,x\n'
    assert [line for line, _ in read_rows(_table(tmp_path, text))[1]] == [4, 6]


def test_cells_with_line_ends_in_them(tmp_path: Path) -> None:
    path = _table(tmp_path, 'id,note,any\na,"one\ntwo",1\nb,x\x85y\u2028z,0\n')
    header, rows = read_rows(path)
    assert header == ("id", "note", "any")
    assert [row["note"] for _, row in rows] == ["one\ntwo", "x\x85y\u2028z"]
    assert [row["any"] for _, row in rows] == ["1", "0"]


def test_line_ends_of_other_systems(tmp_path: Path) -> None:
    for end in ("\n", "\r\n", "\r"):
        path = _table(tmp_path, end.join(["id;any", "a;1", "b;0", ""]))
        assert [row["id"] for _, row in read_rows(path)[1]] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("id,any\n", "is empty"),
        ("id,any, Any\na,1,0\n", "more than one column any"),
        ('id,any\na,"' + "x" * 200_000, "is a quote open"),
    ],
)
def test_what_is_no_plain_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_rows(_table(tmp_path, text))


def test_another_alphabet_than_utf_8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="save the labels as CSV UTF-8"):
        read_rows(_table(tmp_path, "id,any,region\na,1,Höhle\n", "latin-1"))
