"""One table value, written for the terminal, as CSV, as Markdown and as LaTeX."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ich_cli.domain import Interval
from ich_cli.errors import UsageError
from ich_cli.spreadsheet import plain_text

WIDEST = 10_000
"""Characters of a line in which any table can be measured."""

Cell = str | int | float | bool | Interval | None

_LATEX = {
    **{c: f"\\{c}" for c in "&%$#_{}"},
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "≥": "$\\geq$",
    "≤": "$\\leq$",
    "κ": "$\\kappa$",
    "–": "--",
    "−": "$-$",
    "·": "$\\cdot$",
}


@dataclass(frozen=True, slots=True)
class Table:
    """Titled rows of cells. Unknown is ``None``; ``note`` says what a reader must know."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    digits: int = 3


def cell_text(cell: Cell, digits: int = 3) -> str:
    """A cell for a reader: ``0.912 (0.871–0.954)``; unknown is an en dash."""
    if cell is None:
        return "–"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, Interval):
        value = cell_text(cell.value, digits)
        if not (math.isfinite(cell.low) and math.isfinite(cell.high)):
            return value
        between = " to " if cell.low < 0 else "–"
        return f"{value} ({cell.low:.{digits}f}{between}{cell.high:.{digits}f})"
    if isinstance(cell, float):
        # rounding first and adding 0 keeps a small negative from being shown as -0.00
        return f"{round(cell, digits) + 0.0:.{digits}f}" if math.isfinite(cell) else "–"
    return str(cell)


def to_markdown(table: Table) -> str:
    """A GitHub table under a heading; pipes in cells are escaped."""
    lines = [f"### {table.title}", ""]
    lines += [_pipes(table.columns), _pipes(["---"] * len(table.columns))]
    for row in table.rows:
        lines.append(_pipes([cell_text(cell, table.digits) for cell in row]))
    if table.note:
        lines += ["", table.note]
    return "\n".join(lines) + "\n"


def to_latex(table: Table) -> str:
    """A ``table`` environment with ``booktabs`` rules."""
    head = " & ".join(_tex(column) for column in table.columns)
    body = [
        " & ".join(_tex(cell_text(cell, table.digits)) for cell in row) + r" \\"
        for row in table.rows
    ]
    caption = table.title + (f". {table.note}" if table.note else "")
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_tex(caption)}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(table.columns) - 1)}}}",
            r"\toprule",
            head + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def to_csv(table: Table) -> str:
    """Full precision; a column with intervals becomes three: value, ``_low``, ``_high``."""
    wide = [
        any(isinstance(row[k], Interval) for row in table.rows) for k in range(len(table.columns))
    ]
    header: list[str] = ["table"]
    for name, interval in zip(table.columns, wide, strict=True):
        header += [name, f"{name}_low", f"{name}_high"] if interval else [name]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for row in table.rows:
        cells: list[str] = [table.title]
        for cell, interval in zip(row, wide, strict=True):
            cells += _wide(cell) if interval else [_raw(cell)]
        writer.writerow(cells)
    return out.getvalue()


def to_text(tables: Sequence[Table], width: int | None = None) -> str:
    """Tables as a terminal shows them; wider than ``width`` where a word would be cut."""
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table as RichTable

    out = io.StringIO()
    wanted = width or 160
    console = Console(file=out, width=wanted, highlight=False)
    for table in tables:
        rich = RichTable(title=table.title, title_justify="left", caption=table.note or None)
        rich.caption_justify = "left"
        for k, column in enumerate(table.columns):
            rich.add_column(column, justify="right" if k else "left")
        for row in table.rows:
            rich.add_row(*(_no_markup(cell_text(cell, table.digits)) for cell in row))
        narrowest = Measurement.get(console, console.options.update(max_width=WIDEST), rich).minimum
        console.width = max(wanted, narrowest)
        console.print(rich)
    return out.getvalue()


def writer_of(form: str) -> Callable[[Sequence[Table]], str]:
    """What writes tables as ``text``, ``csv``, ``markdown`` or ``latex``.

    Raises:
        UsageError: No such form.
    """
    if form == "text":
        return to_text
    writers = {"csv": to_csv, "markdown": to_markdown, "latex": to_latex}
    if form not in writers:
        raise UsageError(f"unknown table format {form!r}; choose text, {', '.join(writers)}")
    write = writers[form]
    return lambda tables: "\n".join(write(table) for table in tables)


def _pipes(cells: Sequence[str]) -> str:
    return "| " + " | ".join(c.replace("|", "\\|").replace("\n", " ") for c in cells) + " |"


def _tex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)


def _no_markup(text: str) -> str:
    return text.replace("[", "\\[")


def _raw(cell: Cell) -> str:
    if cell is None or (isinstance(cell, float) and not math.isfinite(cell)):
        return ""
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float):
        return f"{cell:.10g}"
    return plain_text(cell) if isinstance(cell, str) else str(cell)


def _wide(cell: Cell) -> list[str]:
    if isinstance(cell, Interval):
        return [_raw(cell.value), _raw(cell.low), _raw(cell.high)]
    return [_raw(cell), "", ""]
