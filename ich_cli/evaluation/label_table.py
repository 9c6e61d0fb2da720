"""Tables of labels as spreadsheets and scripts write them: what is not plain is refused."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from pathlib import Path

from ich_cli.errors import UsageError

Row = tuple[int, dict[str, str]]
"""Line of the file and cells by column; a cell that is not there is empty."""

HEADER_BYTES = 65536
_LINE_END = re.compile("\r\n?|\n")
_SAID = re.compile(r'"?sep=(.)"?[ \t]*[\r\n]+', re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"^\s*(\d+),(\d+)\s*$")


def read_rows(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    """Columns and rows of a table in UTF-8, or in UTF-16 with a mark.

    Commas, semicolons or tabs part the cells, whichever the header has most of. Between
    semicolons and tabs a number may have a decimal comma. Rows without any content are left
    out.

    Raises:
        UsageError: The file cannot be read or holds no table, two columns have one name, or a
            row has more cells than there are columns.
    """
    try:
        text = _decoded(path.read_bytes(), "strict")
    except OSError as error:
        raise UsageError(f"cannot read the labels {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not a UTF-8 text; save the labels as CSV UTF-8") from None
    start, delimiter = _opening(text)
    # Not splitlines(): a cell may hold a line's end in quotes, or U+0085 and U+2028 without.
    reader = csv.reader(io.StringIO(text[start:], newline=""), delimiter=delimiter)
    lines_before = len(_LINE_END.findall(text[:start]))
    rows: list[Row] = []
    try:
        columns = _columns(next(reader, []), path)
        for cells in reader:
            line = lines_before + reader.line_num
            if any(cell.strip() for cell in cells[len(columns) :]):
                raise UsageError(
                    f"{path}, line {line}: more cells than the header has columns; is a comma "
                    "within a cell? Put the cell in quotes, or part the cells by semicolons"
                )
            if any(cell.strip() for cell in cells):
                rows.append((line, _row(cells, columns, decimal_comma=delimiter != ",")))
    except csv.Error as error:
        raise UsageError(f"{path}: {error}; is a quote open somewhere?") from None
    if not rows:
        raise UsageError(f"{path} is empty; it should hold one labelled scan or slice a row")
    return columns, rows


def read_header(path: Path) -> tuple[str, ...]:
    """Column names, as :func:`read_rows` understands them; none of what is no text file."""
    if not path.is_file():
        return ()
    with path.open("rb") as file:
        text = _decoded(file.read(HEADER_BYTES), "replace")
    start, delimiter = _opening(text)
    names = next(csv.reader(_LINE_END.split(text[start:])[:1], delimiter=delimiter), [])
    return tuple(name.strip() for name in _named(names))


def _decoded(content: bytes, errors: str) -> str:
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    return content.decode("utf-16" if wide else "utf-8-sig", errors)


def _opening(text: str) -> tuple[int, str]:
    """Where the header begins, and what parts the cells.

    Excel can say the latter in a line of its own: ``sep=;``.
    """
    start = len(text) - len(text.lstrip("\r\n "))
    said = _SAID.match(text, start)
    if said:
        return said.end(), said[1]
    first = _LINE_END.split(text[start : start + HEADER_BYTES], maxsplit=1)[0]
    return start, max(",;\t", key=first.count)


def _named(names: list[str]) -> list[str]:
    """Columns without those behind the last name."""
    return names[: max((k + 1 for k, name in enumerate(names) if name.strip()), default=0)]


def _columns(names: list[str], path: Path) -> tuple[str, ...]:
    counts = Counter(name.strip().lower() for name in names if name.strip())
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise UsageError(f"{path} has more than one column {twice[0]}; keep the one that counts")
    return tuple(_named(names))


def _row(cells: list[str], columns: tuple[str, ...], *, decimal_comma: bool) -> dict[str, str]:
    filled = cells + [""] * (len(columns) - len(cells))
    if decimal_comma:
        filled = [_DECIMAL_COMMA.sub(r"\1.\2", cell) for cell in filled]
    return dict(zip(columns, filled, strict=False))
