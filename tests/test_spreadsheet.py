"""Words of a header stay words when a CSV is opened in a spreadsheet."""

from __future__ import annotations

import csv

import pytest

from ich_cli.evaluation.tables import Table, to_csv
from ich_cli.reports.csv_ import cell
from ich_cli.spreadsheet import plain_text

STARTS = (
    *("=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "\x00=", "\xa0=", "\ufeff="),
    *("＝", "＋", "－", "＠"),
)


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("before", ["", "CCT;", 'CCT;"', "CCT; "])
def test_what_begins_like_a_formula_gets_an_apostrophe(before: str, start: str) -> None:
    text = plain_text(f"{before}{start}1+1")
    assert text.rpartition(";")[2].startswith("'")


@pytest.mark.parametrize("text", ["CCT 5 mm", "a-b", "IPH;IVH", "a=b", "", "頭部 ＣＴ"])
def test_other_words_stay_as_they_are(text: str) -> None:
    assert plain_text(text) == text


def test_line_ends_and_control_characters_are_blanks() -> None:
    assert plain_text("a\nb\x00c\u2028d") == "a b c d"


@pytest.mark.parametrize("start", STARTS)
def test_the_cells_of_every_table_are_such_text(start: str) -> None:
    word = f"{start}cmd|' /C calc'!A0"
    assert cell(word).startswith("'")
    written = to_csv(Table("title", ("maker", "bias"), ((word, -2.5),)))
    assert list(csv.reader(written.splitlines()))[1] == ["title", plain_text(word), "-2.5"]
