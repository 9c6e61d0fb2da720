"""The truth to measure against: one value for every layout that labels come in."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ich_cli.domain import LABELS, SUBTYPES
from ich_cli.errors import UsageError

TRUE_WORDS = frozenset({"1", "true", "yes", "y", "positive", "1.0"})
FALSE_WORDS = frozenset({"0", "false", "no", "n", "negative", "0.0"})

SIDE_WORDS: Mapping[str, str | None] = {
    **{"left": "left", "l": "left", "lt": "left"},
    **{"right": "right", "r": "right", "rt": "right"},
    **{"bilateral": "bilateral", "both": "bilateral", "b": "bilateral"},
    **{"midline": "midline", "m": "midline"},
    **dict.fromkeys(("", "none", "unknown")),
}
"""How tables name a side, and the words of :class:`ich_cli.domain.Side` for it."""


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

    Raises:
        UsageError: The file cannot be read, or holds no table.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read the labels {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not a UTF-8 text; export the labels as CSV") from None
    first = text.splitlines()[0] if text.strip() else ""
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.DictReader(text.splitlines(), delimiter=delimiter)
    if not reader.fieldnames:
        raise UsageError(f"{path} is empty; it should hold one labelled scan or slice a row")
    rows = [{k: v for k, v in row.items() if k is not None} for row in reader]
    return tuple(reader.fieldnames), rows


def merge(truths: Iterable[Truth]) -> dict[str, Truth]:
    """Truths by id; several rows of one id are put together (present if any row says so)."""
    merged: dict[str, Truth] = {}
    for truth in truths:
        known = merged.get(truth.id)
        merged[truth.id] = truth if known is None else _union(known, truth)
    return merged


def _union(a: Truth, b: Truth) -> Truth:
    present = {label: _either(a.present.get(label), b.present.get(label)) for label in LABELS}
    ml = {name: _sum(a.ml.get(name), b.ml.get(name)) for name in {**a.ml, **b.ml}}
    return Truth(
        id=a.id,
        present=present,
        ml=ml,
        side=a.side if a.side == b.side or b.side is None else _both_sides(a.side, b.side),
        region=_larger_region(a, b),
        mask=a.mask or b.mask,
    )


def _either(a: bool | None, b: bool | None) -> bool | None:
    if a or b:
        return True
    return None if a is None or b is None else False


def _sum(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else a + b


def _larger_region(a: Truth, b: Truth) -> str | None:
    """Of two bleeds in two regions, the region of the larger one."""
    if a.region is None or b.region is None:
        return a.region or b.region
    return a.region if (a.ml.get("total") or 0) >= (b.ml.get("total") or 0) else b.region


def _both_sides(a: str | None, b: str | None) -> str | None:
    if a is None:
        return b
    return "bilateral" if {a, b} == {"left", "right"} or "bilateral" in (a, b) else a
