"""Which of the series that are not analysed get a row: what was not read must not go missing."""

from __future__ import annotations

from collections.abc import Sequence

from ich_cli.dicom.checks import Facts
from ich_cli.dicom.codes import Code
from ich_cli.dicom.examinations import Judged, may_be_plain_head
from ich_cli.dicom.pieces import goes_on_from
from ich_cli.domain import Reason, Series

ROW_FOR = (
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


def unread_pieces(
    chosen: Sequence[tuple[Series, Facts]], failed: Sequence[tuple[Series, Facts, Reason]]
) -> list[Series]:
    """Stacks of the series that was chosen which go on from it, but cannot be read."""
    read = [series for series, _ in chosen]
    uid = read[0].series_uid
    return [
        item
        for item, _, reason in failed
        if uid and item.series_uid == uid and reason.code in ROW_FOR and goes_on_from(item, read)
    ]


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
