"""Volume: measured against true millilitres, in total and by subtype."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ich_cli.domain import SUBTYPES, Interval
from ich_cli.evaluation.cases import analysed
from ich_cli.evaluation.match import ScanCase
from ich_cli.evaluation.results import TOTAL
from ich_cli.evaluation.tables import Cell, Table
from ich_cli.evaluation.volume_agreement import (
    bland_altman,
    concordance,
    icc_2_1,
    large_agreement,
    mean_absolute_error,
    within_tolerance,
)

COLUMNS = (
    *("volume", "n", "bias mL", "lower limit", "upper limit", "MAE mL", "CCC", "ICC(2,1)"),
    *("within max(10 %, 1 mL)", "≥ 30 mL agreement"),
)


def volume_pairs(cases: Sequence[ScanCase], name: str) -> list[tuple[float, float]]:
    """(measured, true) mL of bleeding scans where both are known.

    Scans without blood are left out: zeros that agree would flatter every figure.
    """
    pairs = []
    for case in analysed(cases):
        measured, truth = case.scan.answer.ml.get(name), case.truth.ml.get(name)
        if measured is not None and truth is not None and truth > 0:
            pairs.append((measured, truth))
    return pairs


def volume_table(cases: Sequence[ScanCase]) -> Table | None:
    """Agreement in mL; ``None`` where no true volume is known."""
    rows = []
    for name in (TOTAL, *(s.value for s in SUBTYPES)):
        pairs = volume_pairs(cases, name)
        if pairs:
            rows.append((name, *volume_row(pairs)))
    if not rows:
        return None
    known = [c for c in analysed(cases) if (c.truth.ml.get(TOTAL) or 0) > 0]
    unmeasured = len(known) - len(volume_pairs(cases, TOTAL))
    note = f"Bleeding scans without a measured volume: {unmeasured}." if unmeasured else ""
    return Table("Volume, scans with blood", COLUMNS, tuple(rows), note=note, digits=2)


def volume_row(pairs: Sequence[tuple[float, float]]) -> tuple[Cell, ...]:
    """All figures of one list of (measured, true) pairs, in the order of ``COLUMNS``."""
    measured, truth = [p[0] for p in pairs], [p[1] for p in pairs]
    limits = None if len(pairs) < 2 else bland_altman(measured, truth)
    large = large_agreement(measured, truth)
    return (
        len(pairs),
        limits.bias if limits else measured[0] - truth[0],
        limits.lower.value if limits else None,
        limits.upper.value if limits else None,
        mean_absolute_error(measured, truth),
        _defined(lambda: concordance(measured, truth)),
        _defined(lambda: icc_2_1(pairs)),
        float(within_tolerance(measured, truth).mean()),
        large.accuracy,
    )


def _defined(figure: Callable[[], Interval | float]) -> Interval | float | None:
    try:
        return figure()
    except ValueError:
        return None
