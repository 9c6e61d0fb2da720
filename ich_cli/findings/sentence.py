"""The plain sentence and the short location, from the numbers only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ich_cli.domain import Finding, Interval, Measurement, Side, Subtype

ENOUGH, MOST = 0.6, 3
"""Regions are named until so much of the blood is in them, and no more than so many."""

TRACE = 0.1
"""A region with less of the blood is not named beside others."""


def location_of(regions: Mapping[str, float], side: Side | None, level: str) -> str | None:
    """Short location: the main regions, else side and level."""
    names = main_regions(regions)
    if names:
        return join_regions(names)
    if side is None:
        return level or None
    return f"{side.value}, {level}" if level else side.value


def main_regions(shares: Mapping[str, float]) -> list[str]:
    """The few regions that hold most of the blood, of ``shares`` 0…1, largest first."""
    names: list[str] = []
    total = 0.0
    for name, share in shares.items():
        if names and (total >= ENOUGH or share < TRACE or len(names) == MOST):
            break
        names.append(name)
        total += share
    return names


def join_regions(names: Sequence[str]) -> str:
    """``left frontal lobe, left insula`` → ``left frontal lobe and insula``."""
    spoken: list[str] = []
    last = ""
    for name in names:
        side, _, rest = name.partition(" ")
        if side in ("left", "right"):
            spoken.append(rest if side == last else name)
            last = side
        else:
            spoken.append(name)
            last = ""
    return spoken[0] if len(spoken) == 1 else ", ".join(spoken[:-1]) + " and " + spoken[-1]


def amount(ml: Interval) -> str:
    """``24.1 mL (20–28)``; small bleeds with a decimal more in the range."""
    digits = 0 if ml.value >= 10 else 1
    if ml.value < 0.1:
        return "< 0.1 mL"
    return f"{ml.value:.1f} mL ({ml.low:.{digits}f}–{ml.high:.{digits}f})"


def sentence(
    findings: Sequence[Finding],
    total: Interval | None,
    places: Mapping[Subtype, str | None],
    measurements: Mapping[str, Measurement],
) -> str:
    """Say what was called, largest first.

    For example: "Acute IPH, left putamen, 24.1 mL (20–28), with IVH in left and right
    lateral ventricle, 3.0 mL (2.1–4.0); midline shift 4 mm to the right."
    """
    called = [one for one in findings if one.call]
    if not called:
        rest = f", {amount(total)}" if total else ""
        return f"Intracranial haemorrhage of uncertain type{rest}."
    called.sort(key=lambda one: -(one.ml.value if one.ml else 0.0))
    parts = [_part(one, places.get(one.subtype)) for one in called]
    text = "Acute " + parts[0]
    if len(parts) > 1:
        text += ", with " + " and ".join("; ".join(parts[1:]).rsplit("; ", 1))
    thick = [
        f"{name.upper()} up to {float(m.value):.0f} mm thick"
        for name in ("edh", "sdh")
        if (m := measurements.get(f"max_thickness_mm_{name}")) and isinstance(m.value, float)
    ]
    shift = measurements.get("midline_shift_mm")
    if shift is not None and isinstance(shift.value, float) and abs(shift.value) >= 2.0:
        towards = "left" if shift.value > 0 else "right"
        thick.append(f"midline shift {abs(shift.value):.0f} mm to the {towards}")
    return "; ".join([text, *thick]) + "."


def _part(one: Finding, place: str | None) -> str:
    """One subtype with its place and amount."""
    words = one.subtype.value
    if place:
        words += f", {place}"
    if one.ml is not None:
        words += f", {amount(one.ml)}"
    return words
