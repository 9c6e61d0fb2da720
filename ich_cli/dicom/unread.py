"""Which of the series that are not analysed get a row: what was not read must not go missing."""

from __future__ import annotations

from collections.abc import Sequence

from ich_cli.dicom.checks import Facts
from ich_cli.dicom.codes import Code
from ich_cli.dicom.examinations import Judged, may_be_plain_head
from ich_cli.dicom.kernels import Kernel
from ich_cli.dicom.pieces import FULL_COVERAGE_MM, goes_on_from
from ich_cli.dicom.wording import names_other_part
from ich_cli.domain import Reason, Series

ROW_FOR = (
    Code.BROKEN_HEADER,
    Code.CONTRAST,
    Code.BONE_KERNEL,
    Code.KVP,
    Code.SPECTRAL,
    Code.TOO_LITTLE_COVERAGE,
    Code.TOO_FEW_SLICES,
    Code.NO_GEOMETRY,
    Code.NOT_AXIAL,
    Code.ONE_POSITION,
)
"""Where no series can be analysed, the one that came nearest gets a row."""

TOO_SHORT = (Code.TOO_LITTLE_COVERAGE, Code.TOO_FEW_SLICES)


def unread_pieces(
    chosen: Sequence[tuple[Series, Facts]], failed: Sequence[tuple[Series, Facts, Reason]]
) -> list[Series]:
    """Stacks that show what is missing of the head that was chosen, but cannot be read.

    They are of the chosen series itself or, where that shows less than a head, of another one
    which is merely too short: skull base and vertex are often scanned apart.
    """
    read = [series for series, _ in chosen]
    first, facts = chosen[0]
    found = []
    for item, _, reason in sorted(failed, key=lambda entry: entry[1].kernel is Kernel.BONE):
        own = bool(first.series_uid) and item.series_uid == first.series_uid
        short = facts.coverage_mm < FULL_COVERAGE_MM and not names_other_part(item.first)
        if reason.code not in (ROW_FOR if own else TOO_SHORT if short else ()):
            continue
        if goes_on_from(item, read):
            found.append(item)
            read.append(item)
    return found


def row_for(failed: Sequence[tuple[Series, Facts, Reason]], only: bool) -> list[Series]:
    """The series that came nearest to being a candidate, if any came near.

    Args:
        failed: The series of an examination without a candidate.
        only: The study has no other examination of the head.
    """
    order = {code.value: place for place, code in enumerate(ROW_FOR)}
    near = [
        entry
        for entry in failed
        if entry[2].code in order and (only or may_be_plain_head(Judged(*entry)))
    ]
    if not near:
        return []
    return [min(near, key=lambda entry: (order[entry[2].code], -entry[1].n_slices))[0]]
