"""From conversations to one reading: slices joined into a scan, repeats put to the vote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeVar

from ich_cli.domain import SUBTYPES, Reason, Side, Subtype
from ich_cli.mllm.answer import Presence, Region, SideWord

T = TypeVar("T", bound=Hashable)

_SIDES = {
    SideWord.LEFT: Side.LEFT,
    SideWord.RIGHT: Side.RIGHT,
    SideWord.BILATERAL: Side.BILATERAL,
    SideWord.MIDLINE: Side.MIDLINE,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What the second reader says of a scan. ``None`` and empty: it did not say."""

    any: bool
    subtypes: tuple[Subtype, ...] = ()
    side: Side | None = None
    regions: tuple[Region, ...] = ()
    ml: float | None = None


def reading(answers: Mapping[str, Any]) -> Reading | Reason:
    """One conversation's answers as a reading."""
    presence = answers.get("haemorrhage")
    if presence is Presence.CANNOT_TELL or presence is None:
        return Reason("cannot_tell", "the reader could not decide")
    if presence is Presence.NO:
        return Reading(any=False)
    return Reading(
        any=True,
        subtypes=_in_order(answers.get("subtypes", ())),
        side=_SIDES.get(answers.get("side", SideWord.NONE)),
        regions=tuple(dict.fromkeys(answers.get("regions", ()))),
        ml=answers.get("volume_ml"),
    )


def join_slices(slices: Sequence[Reading | Reason]) -> Reading | Reason:
    """Readings of single slices as one of the scan.

    Blood on one slice is blood in the scan. A scan is without blood only when every slice
    was read: a slice that could not be read is never counted as negative.
    """
    bleeding = [item for item in slices if isinstance(item, Reading) and item.any]
    if not bleeding:
        unread = next((item for item in slices if isinstance(item, Reason)), None)
        return Reading(any=False) if unread is None else unread
    sides = {item.side for item in bleeding} - {None}
    volumes = [item.ml for item in bleeding if item.ml is not None]
    return Reading(
        any=True,
        subtypes=_in_order(s for item in bleeding for s in item.subtypes),
        side=_joined_side(sides),
        regions=tuple(dict.fromkeys(r for item in bleeding for r in item.regions)),
        ml=max(volumes, default=None),
    )


def _joined_side(sides: set[Side | None]) -> Side | None:
    if sides >= {Side.LEFT, Side.RIGHT} or Side.BILATERAL in sides:
        return Side.BILATERAL
    lateral = sides & {Side.LEFT, Side.RIGHT}
    return next(iter(lateral or sides), None)


def majority(samples: Sequence[Reading | Reason]) -> Reading | Reason:
    """The reading that more than half of all samples support, part by part.

    Samples that failed count against: with three samples, two must say the same of presence.
    """
    if len(samples) == 1:
        return samples[0]
    votes = Counter(item.any for item in samples if isinstance(item, Reading))
    if not votes:
        return next(item for item in samples if isinstance(item, Reason))
    winner, count = votes.most_common(1)[0]
    if 2 * count <= len(samples):
        return Reason("no_majority", f"{votes[True]} yes, {votes[False]} no of {len(samples)}")
    chosen = [item for item in samples if isinstance(item, Reading) and item.any is winner]
    volumes = [item.ml for item in chosen if item.ml is not None]
    sides = Counter(item.side for item in chosen if item.side is not None)
    return Reading(
        any=winner,
        subtypes=_in_order(_by_half(item.subtypes for item in chosen)),
        side=sides.most_common(1)[0][0] if sides else None,
        regions=tuple(_by_half(item.regions for item in chosen)),
        ml=float(median(volumes)) if volumes else None,
    )


def _by_half(samples: Iterable[tuple[T, ...]]) -> list[T]:
    """What at least half of the samples name, most named first."""
    lists = list(samples)
    counts = Counter(item for sample in lists for item in sample)
    return [item for item, count in counts.most_common() if 2 * count >= len(lists)]


def _in_order(subtypes: Iterable[Subtype]) -> tuple[Subtype, ...]:
    named = set(subtypes)
    return tuple(s for s in SUBTYPES if s in named)
