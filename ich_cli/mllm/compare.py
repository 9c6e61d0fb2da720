"""Do the network and the second reader say the same? Neither changes the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ich_cli.domain import Assessment, Side, Subtype
from ich_cli.mllm.answer import Region
from ich_cli.mllm.vote import Reading

AGREE, DISAGREE, UNAVAILABLE = "agree", "disagree", "unavailable"

SAME_SUBTYPES = 0.5
"""Jaccard index from which two lists of subtypes count as the same."""

ML_FACTOR = 2.0
ML_SLACK = 10.0
"""Volumes within a factor of two, or within 10 mL, count as the same: both are estimates."""

REGION_SHARE = 0.2
"""A region that holds a smaller share of a finding is not held against the reader."""

_WORDS: Mapping[Region, tuple[str, ...]] = MappingProxyType(
    {
        Region.FRONTAL: ("frontal",),
        Region.PARIETAL: ("parietal",),
        Region.TEMPORAL: ("temporal",),
        Region.OCCIPITAL: ("occipital",),
        Region.DEEP_GREY: (
            "deep_grey", "deep grey", "basal", "putamen", "caudate", "pallid", "capsul", "striat",
            "lentiform", "insula",
        ),
        Region.THALAMUS: ("thalam",),
        Region.BRAINSTEM: ("brainstem", "brain stem", "pons", "midbrain", "medulla"),
        Region.CEREBELLUM: ("cerebell", "vermis"),
        Region.VENTRICLES: ("ventric",),
        Region.CISTERNS: ("cistern", "sulc", "fissure", "sylvian", "subarachnoid"),
        Region.CONVEXITY: ("convexity",),
        Region.FALX_TENTORIUM: ("falx", "falc", "tentor", "interhemisph"),
    }
)  # fmt: skip
_LOBES = frozenset({Region.FRONTAL, Region.PARIETAL, Region.TEMPORAL, Region.OCCIPITAL})


@dataclass(frozen=True, slots=True)
class Comparison:
    """``differs`` names the parts on which both spoke and did not say the same."""

    tier: str
    differs: tuple[str, ...]
    subtypes_jaccard: float | None


def compare(theirs: Reading, ours: Assessment) -> Comparison:
    """Compare part by part; a part that either leaves open is not compared.

    Parts: ``presence``; where both see blood, ``subtypes`` (Jaccard below ½), ``side``,
    ``region`` (none in common), ``ml``. One differing part is a disagreement.
    """
    if theirs.any is not ours.any_call:
        return Comparison(DISAGREE, ("presence",), None)
    if not theirs.any:
        return Comparison(AGREE, (), None)
    called = {finding.subtype for finding in ours.findings if finding.call}
    overlap = jaccard(theirs.subtypes, called)
    differs = [
        part
        for part, same in (
            ("subtypes", overlap is None or overlap >= SAME_SUBTYPES),
            ("side", _same_side(theirs.side, ours.side)),
            ("region", _same_region(theirs.regions, regions_of(ours))),
            ("ml", _same_volume(theirs.ml, ours)),
        )
        if not same
    ]
    return Comparison(DISAGREE if differs else AGREE, tuple(differs), overlap)


def jaccard(one: Iterable[Subtype], other: Iterable[Subtype]) -> float | None:
    """Shared over all; ``None`` when either names nothing."""
    a, b = set(one), set(other)
    return len(a & b) / len(a | b) if a and b else None


def regions_of(assessment: Assessment) -> frozenset[Region]:
    """The regions of the network's findings in the second reader's coarse words."""
    names = [
        name
        for finding in assessment.findings
        if finding.call
        for name, share in finding.regions.items()
        if share >= REGION_SHARE
    ]
    named = coarse_regions(names)
    return named or coarse_regions([assessment.location or ""])


def coarse_regions(names: Iterable[str]) -> frozenset[Region]:
    """Map names of anatomical regions onto the coarse ones; unknown names map to none."""
    lowered = [name.lower() for name in names]
    return frozenset(
        region
        for region, words in _WORDS.items()
        if any(word in name for word in words for name in lowered)
    )


def _same_side(theirs: Side | None, ours: Side | None) -> bool:
    return theirs is None or ours is None or theirs is ours


def _same_region(theirs: Iterable[Region], ours: frozenset[Region]) -> bool:
    said = _with_lobes(frozenset(theirs))
    return not said or not ours or bool(said & _with_lobes(ours))


def _with_lobes(regions: frozenset[Region]) -> frozenset[Region]:
    """A bleed over the convexity lies over some lobe; which one is not asked."""
    return regions | _LOBES if Region.CONVEXITY in regions else regions


def _same_volume(theirs: float | None, ours: Assessment) -> bool:
    if theirs is None or ours.total_ml is None:
        return True
    value = ours.total_ml.value
    low, high = sorted((theirs, value))
    return high - low <= ML_SLACK or high <= ML_FACTOR * low or _inside(theirs, ours)


def _inside(theirs: float, ours: Assessment) -> bool:
    interval = ours.total_ml
    return interval is not None and interval.low <= theirs <= interval.high
