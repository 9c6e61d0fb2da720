"""One table, four forms."""

from __future__ import annotations

import csv

import pytest

from ich_cli.domain import Interval
from ich_cli.errors import UsageError
from ich_cli.evaluation.tables import (
    Table,
    cell_text,
    to_csv,
    to_latex,
    to_markdown,
    to_text,
    writer_of,
)

TABLE = Table(
    "Presence & more",
    ("label", "n", "AUC"),
    (("any|all", 3, Interval(0.91234, 0.8, 1.0)), ("=SDH_x", 0, None)),
    note="50 % at κ ≥ .5",
)


def test_cells_for_a_reader() -> None:
    assert cell_text(Interval(0.91234, 0.8, 1.0)) == "0.912 (0.800–1.000)"
    assert cell_text(Interval(-2.1, -22.0, 17.8), 1) == "-2.1 (-22.0 to 17.8)"
    assert cell_text(Interval(0.5, float("nan"), float("nan"))) == "0.500"
    assert cell_text(-0.0001) == "0.000"
    assert [cell_text(c) for c in (None, True, 3, float("nan"))] == ["–", "yes", "3", "–"]


def test_markdown() -> None:
    text = to_markdown(TABLE)
    assert "| any\\|all | 3 | 0.912 (0.800–1.000) |" in text
    assert text.startswith("### Presence & more\n")


def test_latex_escapes() -> None:
    text = to_latex(TABLE)
    assert r"\caption{Presence \& more. 50 \% at $\kappa$ $\geq$ .5}" in text
    assert r"=SDH\_x & 0 & -- \\" in text
    assert text.count(r"\\") == 3


def test_csv_has_the_bounds_as_numbers_and_no_formulas() -> None:
    rows = list(csv.reader(to_csv(TABLE).splitlines()))
    assert rows[0] == ["table", "label", "n", "AUC", "AUC_low", "AUC_high"]
    assert rows[1][3:] == ["0.91234", "0.8", "1"]
    assert rows[2][1:] == ["'=SDH_x", "0", "", "", ""]


def test_all_forms_hold_every_cell() -> None:
    for form in ("text", "csv", "markdown", "latex"):
        assert "0.912" in writer_of(form)([TABLE, TABLE])
    with pytest.raises(UsageError, match="unknown table format"):
        writer_of("pdf")


def test_no_interval_is_cut_however_many_columns() -> None:
    wide = Table("Wide", tuple("abcdefghijklm"), ((Interval(0.95, 0.888, 0.978),) * 13,))
    text = to_text([wide], width=100)
    assert text.count("(0.888–0.978)") == 13
    assert "…" not in text


def test_brackets_are_no_markup() -> None:
    assert "[bold]x[/bold]" in to_text([Table("t", ("a",), (("[bold]x[/bold]",),))])
