"""The table of ``benchmarks/measure.md``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Row = dict[str, Any]


def table(rows: Sequence[Row]) -> str:
    """Everything measured, as Markdown."""
    sure = [r for r in rows if "side_uncertain" not in r["flags"]]
    fitted = [r for r in rows if "no_region_fit" not in r["flags"] and r["region"]]
    lines = [
        *_intro(rows, sure, fitted),
        *("", "## Where", "", *_where(rows, sure, fitted)),
        *("", "## How much", "", *_how_much(rows)),
        *("", *_other_ways(rows), "", "## Other numbers", "", *_other_numbers(rows)),
    ]
    return "\n".join(lines) + "\n"


def _intro(rows: Sequence[Row], sure: Sequence[Row], fitted: Sequence[Row]) -> list[str]:
    return [
        "# Measurement on simulated scans",
        "",
        "Truth masks in, so these figures judge measuring and locating, not the network. "
        "Heads: label maps that the template was not built from; every storage orientation, "
        "gantry tilt to ±22°, turned heads, slices of 1.25 to 7.5 mm, uneven spacing, cut-off "
        "scans; pixels of 2.0 to 2.4 mm; masks blurred by 1.2 mm with disturbed outlines. "
        "Made by `python -m benchmarks.measure`.",
        "",
        f"{len(rows)} scans of {len({r['head'] for r in rows})} heads in "
        f"{len({r['axes'] for r in rows})} orientations; "
        f"{len(sure)} without the flag `side_uncertain`, {len(fitted)} with regions named.",
    ]


def _where(rows: Sequence[Row], sure: Sequence[Row], fitted: Sequence[Row]) -> list[str]:
    """Side and region."""
    clear = [r for r in fitted if r["true_share"] >= 0.5]
    lines = [
        "| | right | share |",
        "|---|---|---|",
        _share("side: left, right, bilateral or midline", [_side_right(r) for r in rows]),
        *_clear_sides(rows),
        _share("the same, where the tool does not say `side_uncertain`", [*map(_side_right, sure)]),
        _share(
            "left and right never exchanged",
            [{r["side"], r["true_side"]} != {"left", "right"} for r in rows],
        ),
        _share("region of the largest share", [_region_right(r) for r in fitted]),
        _share(
            "a region with the largest share or within a tenth of it",
            [r["named_share"] >= r["true_share"] - 0.1 for r in fitted],
        ),
        _share("the same, where one region holds half or more", [_region_right(r) for r in clear]),
    ]
    for subtype in sorted({r["subtype"] for r in rows}):
        part = [r for r in fitted if r["subtype"] == subtype]
        lines.append(_share(f"region, {subtype}", [_region_right(r) for r in part]))
    return lines


def _how_much(rows: Sequence[Row]) -> list[str]:
    """Millilitres against the truth: all, by subtype, by spacing and by size."""
    lines = [_head_row(), _amount("all", rows, "ml")]
    for key in ("subtype", "spacing"):
        for value in sorted({r[key] for r in rows}):
            part = [r for r in rows if r[key] == value]
            unit = " mm" if key == "spacing" else ""
            lines.append(_amount(f"{value}{unit}", part, "ml"))
    for low, high in ((0, 5), (5, 30), (30, 1000)):
        part = [r for r in rows if low <= r["true_ml"] < high]
        lines.append(_amount(f"{low}–{high} mL" if high < 1000 else f"≥ {low} mL", part, "ml"))
    compact = [r for r in rows if r["abc2"] is not None]
    lines.append(_amount("compact IPH", compact, "ml"))
    lines.append(_amount("compact IPH, ABC/2", compact, "abc2"))
    return lines


def _other_numbers(rows: Sequence[Row]) -> list[str]:
    """Plane, interval, thickness, shift and time."""
    lines = _planes(rows)
    inside = [r["low"] <= r["true_ml"] <= r["high"] for r in rows if r["low"] is not None]
    lines.append(f"* True volume inside the interval: {np.mean(inside):.2f}.")
    thick = [r for r in rows if r["thickness"] and r["true_thickness"]]
    if thick:
        gap = [r["thickness"] - r["true_thickness"] for r in thick]
        lines.append(
            f"* Thickness of EDH and SDH against true depth: bias {np.mean(gap):+.1f} mm, "
            f"standard deviation {np.std(gap):.1f} mm ({len(gap)} scans)."
        )
    shifts = [abs(r["shift"]) for r in rows if r["shift"] is not None]
    if shifts:
        lines.append(
            f"* Midline shift where there is none: median {np.median(shifts):.1f} mm, 95th "
            f"percentile {np.quantile(shifts, 0.95):.1f} mm; given in {len(shifts)} scans."
        )
    seconds = [r["seconds"] for r in rows]
    lines.append(
        f"* Seconds of one core a scan: median {np.median(seconds):.2f}, 95th percentile "
        f"{np.quantile(seconds, 0.95):.2f}."
    )
    return lines


def _other_ways(rows: Sequence[Row]) -> list[str]:
    """Other sums over the same masks, and the same sum over miscalibrated ones."""
    names = {
        "area": "voxels over the threshold",
        "sum": "plain sum of the mask",
        "pale": "as measured, log-odds × 0.6 − 2.2, threshold 0.1",
        "crisp": "as measured, log-odds × 1.6 − 2.2, threshold 0.1",
    }
    lines = [
        "The mask here is blurred truth, so its plain sum cannot but be right; a network's mask "
        "is no probability. The last lines of each part measure masks that are under-confident "
        "and too soft or too hard.",
        "",
        _head_row(),
    ]
    thick = [r for r in rows if float(r["spacing"].split("+")[-1]) >= 5.0]
    thin_blood = [r for r in rows if r["subtype"] == "SAH"]
    for what, part in (("all", rows), ("SAH", thin_blood), ("slices ≥ 5 mm", thick)):
        for key, name in names.items():
            flat = [{"true_ml": r["true_ml"], "ml": r["other_ml"][key]} for r in part]
            lines.append(_amount(f"{what}, {name}", flat, "ml"))
    return lines


def _planes(rows: Sequence[Row]) -> list[str]:
    """How far the middle plane is off."""
    errors = [r["plane_error"] for r in rows if r["plane_error"]]
    if not errors:
        return []
    degrees, mm = (np.array([e[key] for e in errors]) for key in ("degrees", "mm"))
    words = [
        f"{name} median {np.median(v):.1f}, 95th percentile {np.quantile(v, 0.95):.1f}, "
        f"largest {v.max():.1f}"
        for name, v in (("degrees", degrees), ("mm at the bleed", mm))
    ]
    return [
        "* Middle plane (by skull and skin) against the plane that best parts the head's left "
        f"from its right labels: {'; '.join(words)}."
    ]


def _side_right(row: Row) -> bool:
    return bool(row["side"] == row["true_side"])


def _region_right(row: Row) -> bool:
    return bool(row["region"] == row["true_region"])


def _clear_sides(rows: Sequence[Row]) -> list[str]:
    """The line for bleeds whose side does not hang on where exactly the plane is."""
    clear = [_side_right(r) for r in rows if r.get("side_is_clear")]
    name = "the same, where a middle plane 3 mm off would not change it"
    return [_share(name, clear)] if clear else []


def _share(name: str, right: Sequence[bool]) -> str:
    if not right:
        return f"| {name} | – | – |"
    return f"| {name} | {sum(right)} of {len(right)} | {np.mean(right):.3f} |"


def _head_row() -> str:
    return (
        "| | n | CCC | bias mL | limits of agreement mL | within max(10 %, 1 mL) |\n"
        "|---|---|---|---|---|---|"
    )


def _amount(name: str, rows: Sequence[Row], key: str) -> str:
    pairs = [(r["true_ml"], r[key]) for r in rows if r[key] is not None]
    if len(pairs) < 3:
        return f"| {name} | {len(pairs)} | – | – | – | – |"
    true, got = (np.array(v, np.float64) for v in zip(*pairs, strict=True))
    gap = got - true
    both = 2 * np.cov(true, got, bias=True)[0, 1]
    ccc = both / (true.var() + got.var() + (true.mean() - got.mean()) ** 2)
    low, high = gap.mean() - 1.96 * gap.std(), gap.mean() + 1.96 * gap.std()
    close = np.abs(gap) <= np.maximum(0.1 * true, 1.0)
    return (
        f"| {name} | {len(pairs)} | {ccc:.3f} | {gap.mean():+.2f} | {low:+.2f} … {high:+.2f} "
        f"| {close.mean():.2f} |"
    )
