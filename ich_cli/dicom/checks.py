"""The questions a series' headers must answer before it is taken for a plain head CT."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from ich_cli.dicom import wording
from ich_cli.dicom.codes import Code, because
from ich_cli.dicom.grouping import SAME_PLACE_MM, along_normal, normal_of
from ich_cli.dicom.kernels import Kernel, classify
from ich_cli.dicom.nifti import UNREADABLE, is_unread
from ich_cli.dicom.rules import SelectionRules
from ich_cli.domain import Reason, Series

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
REPEATS = 3
"""So many images at one place are a time series, not an original and its derived copy."""
PERFUSION_RUNS = 3
"""So many stacks over one stretch are a perfusion or bolus run, not repeats after motion."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the headers of one series say together; ``None`` = not said."""

    n_files: int
    n_slices: int
    coverage_mm: float
    step_mm: float | None
    axial_deg: float | None
    kernel: Kernel
    contrast: str | None
    names_plain: bool
    names_head: bool
    other_part: str | None
    mpr: bool
    kvp: float | None
    runs: int

    def to_json(self) -> dict[str, Any]:
        """Plain values, rounded for reading."""
        return {
            "n_files": self.n_files,
            "n_slices": self.n_slices,
            "coverage_mm": round(self.coverage_mm, 1),
            "step_mm": None if self.step_mm is None else round(self.step_mm, 2),
            "axial_deg": None if self.axial_deg is None else round(self.axial_deg, 1),
            "kernel": self.kernel.value,
            "contrast": self.contrast,
            "named_plain": self.names_plain,
            "named_head": self.names_head,
            "mpr": self.mpr,
            "kvp": self.kvp,
        }


def gather(series: Series, runs: int = 1) -> Facts:
    """Sum up a series.

    Args:
        series: One stack.
        runs: How many alike stacks its SeriesInstanceUID was split into, itself included.
    """
    first = series.first
    places = sorted(place for item in series.instances if (place := along_normal(item)) is not None)
    steps = [b - a for a, b in pairwise(places) if b - a > SAME_PLACE_MM]
    n_slices = len(steps) + bool(places)
    coverage = places[-1] - places[0] if places else 0.0
    if "FramePlaces" in first.tags:
        n_slices = int(first.tags["FramePlaces"])
        coverage = float(first.tags["FrameCoverage"])
        steps = [coverage / (n_slices - 1)] if n_slices > 1 else []
    height = abs(normal_of(first)[2])
    return Facts(
        n_files=len(series.instances),
        n_slices=n_slices,
        coverage_mm=coverage,
        step_mm=median(steps) if steps else None,
        axial_deg=math.degrees(math.acos(min(height, 1.0))) if first.orientation else None,
        kernel=classify(first.kernel),
        contrast=wording.contrast(first),
        names_plain=wording.is_plain_name(first),
        names_head=wording.names_head(first),
        other_part=wording.other_body_part(first),
        mpr=wording.is_mpr(first),
        kvp=first.kvp,
        runs=max(runs, int(first.tags.get("FrameTimes", "1"))),
    )


def first_objection(series: Series, facts: Facts, rules: SelectionRules) -> Reason | None:
    """The first reason not to analyse a series; ``None`` = it may be analysed."""
    if reason := _no_ct(series, facts, rules):
        return reason
    if rules.series_uid:
        asked = series.series_uid in rules.series_uid
        return None if asked else because(Code.NOT_INCLUDED, "another series was asked for")
    if rules.excludes(series):
        return because(Code.EXCLUDED, "an exclude pattern matches")
    if not rules.includes(series):
        return because(Code.NOT_INCLUDED, "no include pattern matches")
    for check in _CHECKS if not rules.all_series else _CHECKS_FOR_ALL:
        if reason := check(series, facts, rules):
            return reason
    return None


def _no_ct(series: Series, _facts: Facts, _rules: SelectionRules) -> Reason | None:
    first = series.first
    if first.modality != "CT":
        return because(Code.NOT_CT, first.modality or "no modality")
    if first.tags.get("SamplesPerPixel", "1") != "1":
        return because(Code.SECONDARY_CAPTURE, "a colour picture")
    return None


def _header(series: Series, _facts: Facts, _rules: SelectionRules) -> Reason | None:
    return because(Code.BROKEN_HEADER, UNREADABLE) if is_unread(series.first) else None


def _picture(series: Series, facts: Facts, _rules: SelectionRules) -> Reason | None:
    first = series.first
    # Pages of text are no stack; heads scanned "low dose" are, and have the word as well.
    if wording.is_dose_report(first) and facts.n_slices <= 1:
        return because(Code.DOSE_REPORT)
    if (first.sop_class_uid or "").startswith(SECONDARY_CAPTURE) or wording.is_capture(first):
        return because(Code.SECONDARY_CAPTURE)
    if wording.is_localizer(first):
        return because(Code.LOCALIZER)
    return because(Code.PROJECTION) if wording.is_projection(first) else None


def _dynamic(series: Series, facts: Facts, _rules: SelectionRules) -> Reason | None:
    if wording.is_bolus_tracking(series.first):
        return because(Code.BOLUS_TRACKING)
    if wording.is_perfusion(series.first):
        return because(Code.PERFUSION)
    if facts.runs >= PERFUSION_RUNS and facts.n_slices > 1:
        return because(Code.PERFUSION, f"{facts.runs} runs over the same slices")
    return None


def _body_part(_series: Series, facts: Facts, _rules: SelectionRules) -> Reason | None:
    return because(Code.OTHER_BODY_PART, facts.other_part.lower()) if facts.other_part else None


def _geometry(series: Series, facts: Facts, rules: SelectionRules) -> Reason | None:
    first = series.first
    if facts.axial_deg is None or first.position_mm is None or first.pixel_spacing_mm is None:
        return because(Code.NO_GEOMETRY, "no ImagePositionPatient, orientation or PixelSpacing")
    if facts.axial_deg > rules.max_axial_deg:
        return because(Code.NOT_AXIAL, f"planes lean {facts.axial_deg:.0f}° from axial")
    if facts.n_slices == 1 and facts.n_files >= REPEATS:
        return because(Code.ONE_POSITION, f"{facts.n_files} images at one place")
    return None


def _extent(_series: Series, facts: Facts, rules: SelectionRules) -> Reason | None:
    if facts.n_slices < rules.min_slices:
        return because(Code.TOO_FEW_SLICES, f"{facts.n_slices}, at least {rules.min_slices}")
    if facts.coverage_mm < rules.min_coverage_mm:
        return because(
            Code.TOO_LITTLE_COVERAGE,
            f"{facts.coverage_mm:.0f} mm, at least {rules.min_coverage_mm:.0f}",
        )
    return None


def _contrast(_series: Series, facts: Facts, _rules: SelectionRules) -> Reason | None:
    return because(Code.CONTRAST, facts.contrast) if facts.contrast else None


def _physics(series: Series, facts: Facts, rules: SelectionRules) -> Reason | None:
    low, high = rules.kvp_range
    if facts.kvp is not None and not low <= facts.kvp <= high:
        return because(Code.KVP, f"{facts.kvp:g} kV, expected {low:g} to {high:g}")
    return because(Code.SPECTRAL) if wording.is_spectral(series.first) else None


def _kernel(series: Series, facts: Facts, _rules: SelectionRules) -> Reason | None:
    if facts.kernel is Kernel.BONE:
        return because(Code.BONE_KERNEL, f"kernel {series.first.kernel}")
    return None


_Check = Callable[[Series, Facts, SelectionRules], Reason | None]
_CHECKS_FOR_ALL: tuple[_Check, ...] = (
    _header,
    _picture,
    _dynamic,
    _contrast,
    _geometry,
    _extent,
    _physics,
)
_CHECKS: tuple[_Check, ...] = (
    _header,
    _picture,
    _dynamic,
    _body_part,
    _contrast,
    _geometry,
    _extent,
    _physics,
    _kernel,
)
