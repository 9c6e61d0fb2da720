"""Pick the plain head CT of each examination by what the headers say.

What only pixels can tell (a chest without a name, contrast without a tag) is left to
:mod:`ich_cli.dicom.plausibility`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ich_cli.dicom.checks import Facts, first_objection, gather
from ich_cli.dicom.codes import Code, because
from ich_cli.dicom.examinations import Judged, by_examination
from ich_cli.dicom.joining import join
from ich_cli.dicom.kernels import Kernel
from ich_cli.dicom.moments import apart
from ich_cli.dicom.nifti import is_nifti
from ich_cli.dicom.pieces import FULL_COVERAGE_MM, goes_on_from
from ich_cli.dicom.rules import SelectionRules
from ich_cli.dicom.unread import row_for, unread_pieces
from ich_cli.dicom.wording import names_other_part
from ich_cli.domain import Reason, Series

THICK_MM = (2.4, 5.6)
"""Slices of this thickness have the noise the eye is used to, and are quick to read."""
COVERAGE_STEP_MM = 20.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A series to analyse, and why it was chosen (JSON-able).

    ``alternatives`` are the examination's other series whose headers pass, best first: the ones to
    try when the pixels of this one turn out to be no plain head CT.
    """

    series: Series
    decision: Mapping[str, Any]
    alternatives: tuple[Series, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """A series that is not analysed.

    ``not_analysable`` marks the one series that stands for a study, or an examination of the
    head, without a candidate, and a piece of the head that no candidate shows: a row with its
    reason is written, because what was not read must not go missing.
    """

    series: Series
    reason: Reason
    not_analysable: bool = False
    decision: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Selection:
    """Every series that was looked at is in exactly one of the two."""

    candidates: tuple[Candidate, ...]
    rejected: tuple[Rejected, ...]


def select(series: Sequence[Series], rules: SelectionRules | None = None) -> Selection:
    """Choose among the series of each examination.

    Args:
        series: All that was discovered.
        rules: Overrides; ``None`` = defaults.

    Returns:
        The series to analyse and those not, each with its decision.
    """
    rules = rules or SelectionRules()
    candidates: list[Candidate] = []
    rejected: list[Rejected] = []
    for study in _by_study(series):
        all_asked_for = rules.all_series or rules.series_uid
        judged = _judge(study if all_asked_for else join(study), rules)
        examinations = [judged] if all_asked_for else by_examination(judged)
        for one in examinations:
            passed = [(item, facts) for item, facts, objection in one if objection is None]
            failed = [(item, facts, objection) for item, facts, objection in one if objection]
            others: tuple[Series, ...] = ()
            if not all_asked_for and len(passed) > 1:
                passed, lost = _best(passed)
                failed.extend(lost)
                others = tuple(item for item, _, _ in lost)
            candidates.extend(
                Candidate(item, _decision(facts, rules), () if place else others)
                for place, (item, facts) in enumerate(passed)
            )
            only = len(examinations) == 1
            unread = unread_pieces(passed, failed) if passed else row_for(failed, only)
            rows = set(map(id, unread))
            rejected.extend(
                Rejected(item, reason, id(item) in rows, _decision(facts, rules, reason))
                for item, facts, reason in failed
            )
    return Selection(tuple(candidates), tuple(rejected))


def _by_study(series: Sequence[Series]) -> list[list[Series]]:
    """Series by study; and by patient, since careless anonymisers give all one UID.

    Every NIfTI file is a study of its own: nothing tells which others are of the same patient.
    """
    studies: dict[Hashable, list[Series]] = defaultdict(list)
    for item in series:
        first = item.first
        alone = first.file if is_nifti(first.file) else None
        studies[item.study_uid or first.file.path.parent, first.patient_id, alone].append(item)
    return list(studies.values())


def _judge(study: Sequence[Series], rules: SelectionRules) -> list[Judged]:
    alike: dict[Hashable, list[datetime | None]] = defaultdict(list)
    for item in study:
        alike[_run(item)].append(item.acquired)
    judged = []
    for item in study:
        time = item.acquired
        facts = gather(item, sum(not apart(time, other) for other in alike[_run(item)]))
        judged.append(Judged(item, facts, first_objection(item, facts, rules)))
    return judged


def _run(series: Series) -> Hashable:
    """What stacks have in common that one SeriesInstanceUID repeats over time.

    Series that an archive threw together under one UID differ in kernel, plane or grid.
    """
    first = series.first
    return (
        series.series_uid or first.file.path.parent,
        first.kernel,
        (first.rows, first.columns, first.pixel_spacing_mm, first.slice_thickness_mm),
        tuple(round(value, 2) for value in first.orientation or ()),
        len(series.instances) > 1,
    )


def _best(
    passed: list[tuple[Series, Facts]],
) -> tuple[list[tuple[Series, Facts]], list[tuple[Series, Facts, Reason]]]:
    """The series that suits best, with those that show the rest of its head; and the others."""
    ranked = sorted(passed, key=lambda pair: _rank(*pair), reverse=True)
    chosen = ranked[:1]
    lost = []
    for item, facts in ranked[1:]:
        if _is_rest(item, chosen):
            chosen.append((item, facts))
        else:
            lost.append((item, facts, _why_lost(facts, chosen[0][1])))
    return chosen, lost


def _is_rest(item: Series, chosen: Sequence[tuple[Series, Facts]]) -> bool:
    """Whether a series shows what is missing of the head in those that were chosen.

    Of the series' own stacks the one that goes on is; another series only where less than a
    head was chosen, and it names no other part: a spine goes on from a head as well.
    """
    first, facts = chosen[0]
    of_one_uid = bool(item.series_uid) and item.series_uid == first.series_uid
    other = facts.coverage_mm >= FULL_COVERAGE_MM or names_other_part(item.first)
    if other and not of_one_uid:
        return False
    return goes_on_from(item, [series for series, _ in chosen])


def _rank(series: Series, facts: Facts) -> tuple[float, ...]:
    """Larger is better, the first difference decides."""
    step = facts.step_mm or 0.0
    thickness = series.first.slice_thickness_mm or step
    return (
        facts.kernel is not Kernel.BONE,
        not facts.contrast,
        facts.names_head or not facts.other_part,
        min(facts.coverage_mm, FULL_COVERAGE_MM) // COVERAGE_STEP_MM,
        not facts.mpr,
        facts.kernel is Kernel.SOFT,
        facts.names_plain,
        THICK_MM[0] <= thickness <= THICK_MM[1],
        -abs(thickness - THICK_MM[1]),
        facts.n_slices,
        -(series.first.series_number or 0),
    )


def _why_lost(facts: Facts, winner: Facts) -> Reason:
    if facts.kernel is Kernel.BONE and winner.kernel is not Kernel.BONE:
        return because(Code.BONE_KERNEL, "the study has a softer kernel")
    if facts.mpr and not winner.mpr:
        return because(Code.MPR, "the study has original slices")
    if facts.coverage_mm < winner.coverage_mm - COVERAGE_STEP_MM:
        return because(Code.NOT_PREFERRED, "covers less than the chosen series")
    return because(Code.NOT_PREFERRED, "another series of the study suits better")


def _decision(facts: Facts, rules: SelectionRules, reason: Reason | None = None) -> dict[str, Any]:
    decision: dict[str, Any] = {"chosen": reason is None, **facts.to_json()}
    if reason is not None:
        decision["reason"] = {"code": reason.code, "detail": reason.detail}
    asked = {
        "all_series": rules.all_series,
        "series_uid": bool(rules.series_uid),
        "include": list(rules.include),
        "exclude": list(rules.exclude),
    }
    decision["overrides"] = {name: value for name, value in asked.items() if value}
    return decision
