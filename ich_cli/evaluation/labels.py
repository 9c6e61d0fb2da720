"""The truth to measure against: one value for every layout that labels come in."""

from __future__ import annotations

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


def refuse_contradictions(labels: LabelSet, path: Path) -> None:
    """Accept labels that can be true together.

    Raises:
        UsageError: No blood of any kind, and yet blood of one.
    """
    for truth in (*labels.scans.values(), *labels.slices.values()):
        named = [s.value for s in SUBTYPES if truth.present.get(s.value)]
        if truth.present.get("any") is False and named:
            raise UsageError(
                f"{path}: any is 0 but {named[0]} is 1 for {truth.id}; correct one, or leave any "
                "empty"
            )


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
