"""Has something changed: in who is scanned, how, or in what the network answers?

Recent scans are compared with earlier ones of the same folder. A shift is no verdict on
anyone: a new scanner, a stroke unit that opened, another export filter all show here.
"""

from __future__ import annotations

import bisect
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

MIN_RECENT = 30
MIN_REFERENCE = 100
PSI_NOTICE = 0.1
PSI_SHIFT = 0.25
"""The customary bounds of the population stability index."""
P_NOTICE = 0.01
P_SHIFT = 0.001
RARE_SHARE = 0.01
SCORE_BINS = 10
SPACING_EDGES_MM = (0.9, 1.5, 2.5, 3.5, 4.5, 5.5)


class Level(str, Enum):
    """What a comparison says."""

    STEADY = "steady"
    NOTICE = "notice"
    SHIFT = "shift"
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True)
class ScanFacts:
    """What is compared of one scan; ``None`` is unknown."""

    status: str
    score: float | None = None
    spacing_mm: float | None = None
    kvp: float | None = None
    manufacturer: str | None = None
    tier: str | None = None


@dataclass(frozen=True, slots=True)
class Shift:
    """One comparison.

    Attributes:
        name: What was compared.
        level: What it says.
        recent: A share, or the shares by class.
        reference: The same for the earlier scans.
        n_recent: Scans that count here.
        n_reference: The same for the earlier scans.
        psi: Population stability index, for distributions.
        p: Two-sided p-value of equal shares, for shares.
    """

    name: str
    level: Level
    recent: float | dict[str, float] | None
    reference: float | dict[str, float] | None
    n_recent: int
    n_reference: int
    psi: float | None = None
    p: float | None = None


def compare(recent: Sequence[ScanFacts], reference: Sequence[ScanFacts]) -> tuple[Shift, ...]:
    """Compare recent scans with earlier ones, in every respect."""
    read = [[f for f in facts if f.score is not None] for facts in (recent, reference)]
    edges = _deciles([f.score for f in read[1] if f.score is not None])
    return (
        _share(
            "positive_rate",
            *([f.status == "positive" for f in facts] for facts in read),
        ),
        _mix("score", *([_bin(f.score, edges, "") for f in facts] for facts in read)),
        _share(
            "not_analysed_share",
            *([f.score is None for f in facts] for facts in (recent, reference)),
        ),
        _share(
            "second_reader_agreement",
            *(
                [f.tier == "agree" for f in facts if f.tier in ("agree", "disagree")]
                for facts in (recent, reference)
            ),
        ),
        *(
            _mix(name, *([_class_of(f, name) for f in facts] for facts in (recent, reference)))
            for name in ("spacing_mm", "kvp", "manufacturer")
        ),
    )


def psi(recent: Counter[str], reference: Counter[str]) -> float:
    """Population stability index: Σ (r − q) · ln(r / q) over classes.

    Half a scan is added to each class, so that an empty one does not make it infinite.
    """
    classes = sorted({*recent, *reference})
    n = sum(recent.values()) + 0.5 * len(classes)
    m = sum(reference.values()) + 0.5 * len(classes)
    shares = [((recent[c] + 0.5) / n, (reference[c] + 0.5) / m) for c in classes]
    return sum((r - q) * math.log(r / q) for r, q in shares)


def two_shares_p(a: int, n: int, b: int, m: int) -> float:
    """Two-sided p-value of equal shares ``a/n`` and ``b/m`` (pooled z-test)."""
    pooled = (a + b) / (n + m)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    if spread == 0:
        return 1.0
    return math.erfc(abs(a / n - b / m) / spread / math.sqrt(2))


def _share(name: str, recent: Sequence[bool], reference: Sequence[bool]) -> Shift:
    n, m = len(recent), len(reference)
    a, b = sum(recent), sum(reference)
    p = two_shares_p(a, n, b, m) if n and m else None
    if n < MIN_RECENT or m < MIN_REFERENCE or p is None:
        level = Level.TOO_FEW
    else:
        level = Level.SHIFT if p < P_SHIFT else Level.NOTICE if p < P_NOTICE else Level.STEADY
    return Shift(name, level, a / n if n else None, b / m if m else None, n, m, p=p)


def _mix(name: str, recent: Sequence[str], reference: Sequence[str]) -> Shift:
    now, before = _without_rare(Counter(recent), Counter(reference))
    n, m = len(recent), len(reference)
    value = psi(now, before) if n and m else None
    if n < MIN_RECENT or m < MIN_REFERENCE or value is None:
        level = Level.TOO_FEW
    elif value <= _chance(len({*now, *before}), n, m):
        level = Level.STEADY
    else:
        level = (
            Level.SHIFT
            if value > PSI_SHIFT
            else Level.NOTICE
            if value > PSI_NOTICE
            else Level.STEADY
        )
    return Shift(name, level, _shares(now), _shares(before), n, m, psi=value)


def _chance(classes: int, n: int, m: int) -> float:
    """What the index reaches by chance once in a hundred times.

    Under no change it is distributed as χ² with ``classes − 1`` degrees of freedom times
    ``1/n + 1/m`` (Yurdakul and Naranjo, J Risk Model Validation 2020).
    """
    from scipy.stats import chi2

    return float(chi2.ppf(0.99, max(1, classes - 1))) * (1 / n + 1 / m)


def _without_rare(
    recent: Counter[str], reference: Counter[str]
) -> tuple[Counter[str], Counter[str]]:
    """Put classes that are rare in both into one."""
    n, m = max(1, sum(recent.values())), max(1, sum(reference.values()))
    rare = {
        name
        for name in {*recent, *reference}
        if recent[name] / n < RARE_SHARE and reference[name] / m < RARE_SHARE
    }
    return _lump(recent, rare), _lump(reference, rare)


def _lump(counts: Counter[str], rare: set[str]) -> Counter[str]:
    lumped: Counter[str] = Counter()
    for name, count in counts.items():
        lumped["other" if name in rare else name] += count
    return lumped


def _shares(counts: Counter[str]) -> dict[str, float]:
    total = sum(counts.values())
    return {name: counts[name] / total for name in sorted(counts)}


def _class_of(facts: ScanFacts, name: str) -> str:
    if name == "spacing_mm":
        return _bin(facts.spacing_mm, SPACING_EDGES_MM, " mm")
    if name == "kvp":
        return "unknown" if facts.kvp is None else f"{round(facts.kvp / 10) * 10} kV"
    maker = (facts.manufacturer or "").split()
    return maker[0].upper() if maker else "unknown"


def _bin(value: float | None, edges: Sequence[float], unit: str) -> str:
    if value is None:
        return "unknown"
    position = bisect.bisect_right(edges, value)
    if not edges:
        return "any"
    if position == 0:
        return f"< {edges[0]:.3g}{unit}"
    if position == len(edges):
        return f"≥ {edges[-1]:.3g}{unit}"
    return f"{edges[position - 1]:.3g} to {edges[position]:.3g}{unit}"


def _deciles(values: Sequence[float]) -> tuple[float, ...]:
    """Edges that share the reference out evenly; equal edges are one."""
    ordered = sorted(values)
    if not ordered:
        return ()
    at = (len(ordered) * k // SCORE_BINS for k in range(1, SCORE_BINS))
    return tuple(sorted({ordered[i] for i in at}))
