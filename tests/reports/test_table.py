"""The table on the terminal: what is urgent comes first, nothing is left uncounted."""

from __future__ import annotations

from io import StringIO
from typing import Any

from rich.console import Console

from ich_cli.reports.table import render, summarise
from tests.reports.examples import records


def shown(many: list[dict[str, Any]], rows: int = 40) -> str:
    console = Console(file=StringIO(), width=200)
    console.print(render(summarise(many, rows), width=200))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_positives_come_first_then_what_could_not_be_read():
    statuses = [row["status"] for row in summarise(records()).rows]
    assert statuses == ["positive", "failed", "negative"]


def test_more_probable_bleeds_come_first():
    first, second = records()[2], {**records()[2], "probs": {"any": 0.5}}
    probs = [row["probs"]["any"] for row in summarise([second, first]).rows]
    assert probs == [0.97, 0.5]


def test_all_are_counted_though_few_are_shown():
    summary = summarise(records() * 50, max_rows=10)
    assert len(summary.rows) == 10
    assert summary.status_counts == {"negative": 50, "failed": 50, "positive": 50}
    assert summary.reason_counts == {"cannot_decode": 50}
    assert "140 more" in shown(records() * 50, rows=10)


def test_a_row_says_what_where_and_how_much():
    text = shown(records())
    assert "IPH" in text
    assert "left putamen" in text
    assert "left left" not in text
    assert "24.1" in text
    assert "cannot_decode: JPEG 2000" in text


def test_examinations_of_one_day_are_told_apart_by_their_time():
    assert "2024-01-31 22:05" in shown(records())


def test_markup_in_header_values_is_shown_and_not_obeyed():
    record = {**records()[2], "series_description": "[red]x[/red]"}
    assert "[red]x[/red]" in shown([record])


def test_rows_keep_no_slices_in_memory():
    assert all("slices" not in row for row in summarise(records()).rows)


def test_a_narrow_terminal_keeps_what_matters():
    console = Console(file=StringIO(), width=80)
    console.print(render(summarise(records()), width=80))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "Kopf nativ" not in text
    assert "left putamen" in text
    assert "Kopf nativ" in shown(records())
