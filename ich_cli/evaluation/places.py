"""Names of places, coarse enough that a label, a network and an MLLM can mean the same one."""

from __future__ import annotations

from collections.abc import Mapping

STEMS: Mapping[str, tuple[str, ...]] = {
    "frontal": ("frontal",),
    "parietal": ("parietal",),
    "temporal": ("temporal",),
    "occipital": ("occipital",),
    "insula": ("insula",),
    "basal ganglia": ("basal ganglia", "putamen", "caudate", "pallid", "lentiform", "capsule"),
    "thalamus": ("thalam",),
    "brainstem": ("brainstem", "brain stem", "pons", "midbrain", "medulla"),
    "cerebellum": ("cerebell", "vermis", "posterior fossa"),
    "ventricles": ("ventric", "fourth", "lateral"),
    "cisterns": ("cistern",),
    "sylvian": ("sylvian",),
    "sulci": ("sulc", "convexity"),
    "falx": ("falx", "falc", "interhemisph"),
    "tentorium": ("tentor",),
}
"""Parts of words by coarse place. ``deep grey`` is both basal ganglia and thalamus."""


def coarse(name: str) -> frozenset[str]:
    """The coarse places that a name speaks of; empty for a name that is not known."""
    words = " ".join(name.lower().replace("_", " ").replace("-", " ").split())
    found = {place for place, stems in STEMS.items() if any(stem in words for stem in stems)}
    if "deep gr" in words:
        found |= {"basal ganglia", "thalamus"}
    return frozenset(found)


def same_place(said: str | None, truth: str) -> bool:
    """Whether two names share a coarse place, or are one word for word."""
    if said is None:
        return False
    common = coarse(said) & coarse(truth)
    return bool(common) or said.strip().lower() == truth.strip().lower()
