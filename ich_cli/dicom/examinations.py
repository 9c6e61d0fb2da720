"""Which series of a study belong to one examination of the head.

The control of the same night, or the scan after an intervention, is often filed under the
StudyInstanceUID of the first scan. Each of them is to be read: blood may be new on the later.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from ich_cli.dicom.checks import Facts
from ich_cli.dicom.codes import Code
from ich_cli.dicom.moments import beginnings
from ich_cli.dicom.wording import names_other_part
from ich_cli.domain import Reason, Series

ALMOST = frozenset(
    code.value
    for code in (
        Code.KVP,
        Code.SPECTRAL,
        Code.BONE_KERNEL,
        Code.TOO_LITTLE_COVERAGE,
        Code.TOO_FEW_SLICES,
        Code.NO_GEOMETRY,
    )
)
"""Objections to what may be a plain head CT all the same.

Contrast is none of them: an angiogram an hour later is no head CT that went unread. Nor are
planes that are not axial: nobody scans those, they are made from the slices of a scan.
"""


class Judged(NamedTuple):
    """A series with its facts, and the objection to it, if there is one."""

    series: Series
    facts: Facts
    objection: Reason | None


def by_examination(study: Sequence[Judged]) -> list[list[Judged]]:
    """Part the series of a study by examination, the earliest first.

    An examination begins with a series that is, or may be, a plain head CT. All others (contrast
    phases, other parts of the body, localizers) go with the one that began before them, and so
    do series without a time with the first one.

    Returns:
        Every series once; a single list where no series tells a time.
    """
    starts = beginnings(
        time for one in study if may_be_plain_head(one) and (time := one.series.acquired)
    )
    examinations: list[list[Judged]] = [[] for _ in range(max(1, len(starts)))]
    for one in study:
        time = one.series.acquired
        place = 0 if time is None else max(0, bisect_right(starts, time) - 1)
        examinations[place].append(one)
    return examinations


def may_be_plain_head(one: Judged) -> bool:
    """Whether a series is a plain head CT, or would be but for what hinders its reading.

    A single image is no scan, and a reformat is not the only trace of one.
    """
    if names_other_part(one.series.first):
        return False
    if one.objection is None:
        return True
    several = (one.facts.n_slices or one.facts.n_files) > 1
    return several and not one.facts.mpr and one.objection.code in ALMOST
