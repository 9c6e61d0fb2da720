"""The truth to measure against: one value for every layout that labels come in."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from ich_cli.domain import LABELS, SUBTYPES
from ich_cli.errors import UsageError

TRUE_WORDS = frozenset({"1", "true", "yes", "y", "positive", "1.0"})
FALSE_WORDS = frozenset({"0", "false", "no", "n", "negative", "0.0"})

SIDE_WORDS: Mapping[str, str | None] = {
    "left": "left",
    "l": "left",
    "lt": "left",
    "right": "right",
    "r": "right",
    "rt": "right",
    "bilateral": "bilateral",
    "both": "bilateral",
    "b": "bilateral",
    "midline": "midline",
    "m": "midline",
    **dict.fromkeys(("", "none", "unknown")),
}
"""How tables name a side, and the words of :class:`ich_cli.domain.Side` for it."""

_DECIMAL_COMMA = re.compile(r"^\s*(\d+),(\d+)\s*$")


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of one scan or slice. ``None`` is not known; it is never negative.

    Attributes:
        id: Study or series UID, patient, file stem, or slice id, as the layout has it.
        present: By label (``any``, ``EDH`` …).
        ml: By subtype and ``total``.
        side: Word of :class:`ich_cli.domain.Side`, or ``None``.
        region: As the labels name it.
        mask: A NIfTI label volume, where there is one.
    """

    id: str
    present: Mapping[str, bool | None]
    ml: Mapping[str, float | None] = field(default_factory=dict)
    side: str | None = None
    region: str | None = None
    mask: Path | None = None


@dataclass(frozen=True, slots=True)
class LabelSet:
    """All truths of a source, by id; ``layout`` says how it was understood."""

    layout: str
    scans: Mapping[str, Truth] = field(default_factory=dict)
    slices: Mapping[str, Truth] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def complete(present: Mapping[str, bool | None]) -> dict[str, bool | None]:
    """All six labels; ``any`` follows from the subtypes where it was not given."""
    full = {label: present.get(label) for label in LABELS}
    subtypes = [full[s.value] for s in SUBTYPES]
    if full["any"] is None:
        if any(value is True for value in subtypes):
            full["any"] = True
        elif all(value is False for value in subtypes):
            full["any"] = False
    if full["any"] is False:
        full.update({s.value: False for s in SUBTYPES if full[s.value] is None})
    return full


def parse_flag(text: str | None, where: str) -> bool | None:
    """A 0/1 cell; empty is unknown.

    Raises:
        UsageError: The cell is neither.
    """
    word = (text or "").strip().lower()
    if not word:
        return None
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise UsageError(f"{where}: {word!r} is neither 0 nor 1; leave unknown cells empty")


def parse_side(text: str | None, where: str) -> str | None:
    """A side of the patient, as a word or its initial; empty is unknown.

    Raises:
        UsageError: The cell names no side. Kept as it is, it would count as never named right.
    """
    word = (text or "").strip().lower()
    if word not in SIDE_WORDS:
        raise UsageError(f"{where}: {word!r} is no side; write left, right, bilateral or midline")
    return SIDE_WORDS[word]


def parse_number(text: str | None, where: str) -> float | None:
    """A number of millilitres; empty is unknown.

    Raises:
        UsageError: The cell is no number, or is negative.
    """
    word = (text or "").strip()
    if not word:
        return None
    try:
        value = float(word)
    except ValueError:
        raise UsageError(f"{where}: {word!r} is not a number of mL") from None
    if not 0 <= value < float("inf"):
        raise UsageError(f"{where}: {word} mL is no volume")
    return value


def read_rows(path: Path) -> tuple[tuple[str, ...], list[dict[str, str]]]:
    """Header and rows of a CSV (comma or semicolon, UTF-8 with or without a mark).

    Numbers of a table with semicolons may have a decimal comma.

    Raises:
        UsageError: The file cannot be read, or holds no table.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read the labels {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not a UTF-8 text; export the labels as CSV") from None
    # Not splitlines(): a cell may hold a line's end in quotes, or U+0085 and U+2028 without.
    table = text if text.strip() else ""
    delimiter = _delimiter(re.split("[\r\n]", table, maxsplit=1)[0])
    reader = csv.DictReader(io.StringIO(table, newline=""), delimiter=delimiter)
    if not reader.fieldnames:
        raise UsageError(f"{path} is empty; it should hold one labelled scan or slice a row")
    rows = [{k: v for k, v in row.items() if k is not None} for row in reader]
    if delimiter == ";":
        rows = [{k: _with_point(v) for k, v in row.items()} for row in rows]
    return tuple(reader.fieldnames), rows


def read_header(path: Path) -> tuple[str, ...]:
    """Column names of a CSV, as :func:`read_rows` understands it; none of what is no text file."""
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        first = file.readline()
    names = next(csv.reader([first], delimiter=_delimiter(first)), [])
    return tuple(name.strip() for name in names)


def _with_point(cell: str | None) -> str | None:
    """``12,5`` as ``12.5``: where semicolons part the cells, a comma is that of a number."""
    return cell if cell is None else _DECIMAL_COMMA.sub(r"\1.\2", cell)


def _delimiter(first_line: str) -> str:
    return ";" if first_line.count(";") > first_line.count(",") else ","


def merge(truths: Iterable[Truth]) -> dict[str, Truth]:
    """Truths by id; several rows of one id are put together (present if any row says so).

    Millilitres are added up; where those of a bleed are unknown, so is their sum.
    """
    rows: dict[str, list[Truth]] = {}
    for truth in truths:
        rows.setdefault(truth.id, []).append(truth)
    return {key: same[0] if len(same) == 1 else _union(same) for key, same in rows.items()}


def _union(rows: Sequence[Truth]) -> Truth:
    names = dict.fromkeys(name for row in rows for name in row.ml)
    return Truth(
        id=rows[0].id,
        present={label: _any([row.present.get(label) for row in rows]) for label in LABELS},
        ml={name: _sum([row.ml[name] for row in rows if name in row.ml]) for name in names},
        side=_all_sides({row.side for row in rows if row.side is not None}),
        region=_largest_region(rows),
        mask=next((row.mask for row in rows if row.mask is not None), None),
    )


def _any(flags: Sequence[bool | None]) -> bool | None:
    if any(flags):
        return True
    return None if None in flags else False


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _largest_region(rows: Sequence[Truth]) -> str | None:
    """The region with most of the blood; of equal ones that of the first row."""
    ml: dict[str, float] = {}
    for row in rows:
        if row.region is not None:
            ml[row.region] = ml.get(row.region, 0.0) + (row.ml.get("total") or 0.0)
    return max(ml, key=lambda name: ml[name]) if ml else None


def _all_sides(sides: Set[str]) -> str | None:
    """One word for the sides of several bleeds; beside left or right the midline adds nothing."""
    lateral = sides - {"midline"}
    if len(lateral) > 1:
        return "bilateral"
    return next(iter(lateral or sides), None)
