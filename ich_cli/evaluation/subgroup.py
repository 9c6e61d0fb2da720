"""The same figures for thin and thick slices, by voltage, by maker, by size of the bleed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from ich_cli.domain import LARGE_ML
from ich_cli.evaluation.cases import analysed, scan_cases
from ich_cli.evaluation.match import ScanCase
from ich_cli.evaluation.presence import Resampling, presence
from ich_cli.evaluation.results import TOTAL
from ich_cli.evaluation.tables import Cell, Table

Group = Callable[[ScanCase], str | None]

THICKNESS_MM = (1.5, 3.0, 4.5)
SIZE_ML = (1.0, 5.0, LARGE_ML)
KVP = (90.0, 110.0, 130.0)


def band(value: float | None, edges: Sequence[float], unit: str) -> str | None:
    """The band that a value falls in, in words; unknown stays ``None``."""
    if value is None:
        return None
    if value < edges[0]:
        return f"< {edges[0]:g} {unit}"
    for low, high in pairwise(edges):
        if value < high:
            return f"{low:g}–{high:g} {unit}"
    return f"≥ {edges[-1]:g} {unit}"


def _thickness(case: ScanCase) -> str | None:
    facts = case.scan.acquisition
    spacing = facts.get("spacing_mm") or (None,)
    thickness = facts.get("slice_thickness_mm")
    return band(spacing[0] if thickness is None else thickness, THICKNESS_MM, "mm")


def _size(case: ScanCase) -> str | None:
    if case.truth.present.get("any") is not True:
        return None
    return band(case.truth.ml.get(TOTAL), SIZE_ML, "mL")


GROUPINGS: Mapping[str, Group] = {
    "slice thickness": _thickness,
    "tube voltage": lambda case: band(case.scan.acquisition.get("kvp"), KVP, "kVp"),
    "manufacturer": lambda case: case.scan.acquisition.get("manufacturer"),
    "true volume": _size,
}


def subgroup_table(cases: Sequence[ScanCase], how: Resampling) -> Table | None:
    """Presence of any blood by subgroup; ``None`` where no grouping is known of any scan.

    By true volume only bleeding scans are counted, so that only sensitivity is defined.
    """
    rows: list[tuple[Cell, ...]] = []
    for name, group in GROUPINGS.items():
        members: dict[str, list[ScanCase]] = {}
        for case in analysed(cases):
            value = group(case)
            if value is not None:
                members.setdefault(value, []).append(case)
        for value in sorted(members, key=_order):
            figures = presence(scan_cases(members[value], "any"), how)
            if figures is not None:
                rows.append(
                    (
                        name,
                        value,
                        figures.n,
                        figures.positives,
                        figures.auc,
                        figures.sensitivity,
                        figures.specificity,
                    )
                )
    if not rows:
        return None
    columns = ("group", "value", "n", "positive", "AUC", "sensitivity", "specificity")
    return Table("Any haemorrhage by subgroup, scans", columns, tuple(rows))


def _order(value: str) -> tuple[int, float, str]:
    """Bands by their edge, words by the alphabet."""
    rank = {"<": 0, "≥": 2}.get(value[0], 1)
    digits = value.lstrip("<≥ ").split("–")[0].split(" ")[0]
    try:
        return rank, float(digits), value
    except ValueError:
        return 1, 0.0, value
