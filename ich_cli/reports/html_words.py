"""Values of a record as words on a page. One place, so that page and tests agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

UNKNOWN = "–"


def probability(value: float | None) -> str:
    """Two decimals, never a certainty: ``<0.01`` and ``>0.99`` at the ends."""
    if value is None:
        return UNKNOWN
    if value < 0.005:
        return "<0.01"
    return ">0.99" if value > 0.995 else f"{value:.2f}"


def millilitres(interval: Mapping[str, Any] | None) -> str:
    """``24.1 (20.0–28.3)``; the range is left out where it is not known."""
    if interval is None or interval.get("value") is None:
        return UNKNOWN
    low, high = interval.get("low"), interval.get("high")
    value = f"{interval['value']:.1f}"
    return value if low is None or high is None else f"{value} ({low:.1f}–{high:.1f})"


def number(value: Any, digits: int = 1) -> str:
    """A number with so many decimals, a truth as yes or no, a word as it is."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.{digits}f}"
    return str(value)


def words(name: str | None) -> str:
    """``basal_ganglia`` → ``basal ganglia``."""
    return (name or UNKNOWN).replace("_", " ")


def slice_number(index: int | None) -> str:
    """Slices are counted from 1 on the page, from 0 in the data."""
    return UNKNOWN if index is None else str(index + 1)


def regions(shares: Mapping[str, float | None]) -> str:
    """``putamen 61 %, thalamus 39 %``, the largest first, below 1 % left out."""
    known = [(name, share) for name, share in shares.items() if share is not None and share >= 0.01]
    known.sort(key=lambda item: -item[1])
    return ", ".join(f"{words(name)} {share * 100:.0f}\u00a0%" for name, share in known)


def date(value: str | None) -> str:
    """``20240131`` → ``2024-01-31``; anything else as it is."""
    text = value or ""
    if len(text) == 8 and text.isdigit():
        return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    return text or UNKNOWN


def moment(value: str | None) -> str:
    """``2024-01-31T22:05:10`` → ``2024-01-31 22:05``."""
    return UNKNOWN if not value else value[:16].replace("T", " ")


def spacing(values: Sequence[float] | None) -> str:
    """``5.00 × 0.49 × 0.49``."""
    return UNKNOWN if not values else " × ".join(f"{v:.2f}" for v in values)
