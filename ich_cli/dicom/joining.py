"""The pieces of one head put together: a thin base and a thick vertex, scanned as two series.

Only where nothing but the distance of the slices differs, so that the pieces make a stack as one
series could hold it. All others are left to :mod:`ich_cli.dicom.pieces`.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, permutations
from statistics import median

from ich_cli.dicom.geometry import SHIFT_MM
from ich_cli.dicom.grouping import along_normal, parallel
from ich_cli.dicom.kernels import classify
from ich_cli.dicom.moments import apart
from ich_cli.dicom.pieces import FULL_COVERAGE_MM, MIN_LENGTH_MM
from ich_cli.dicom.wording import contrast, is_localizer, is_mpr, names_other_part
from ich_cli.domain import Instance, Series

SLACK_MM = 2.0
"""What may be missing between two pieces beyond the usual distance of their slices."""
TALLEST_MM = 220.0
"""From chin to vertex; what is longer is no head alone."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stack too short for a head, in order along its normal."""

    series: Series
    slices: tuple[Instance, ...]
    along_mm: tuple[float, ...]

    @property
    def step_mm(self) -> float:
        """Usual distance of its slices."""
        return median(after - before for before, after in pairwise(self.along_mm))


def join(study: Sequence[Series]) -> list[Series]:
    """Put together the stacks of a study that go on where another ends.

    Where two stacks would fit the same end, such as those of two reconstructions, nothing
    tells which belongs there, and neither is taken.

    Returns:
        The series of the study. A joined one goes under the UID of its larger piece, whose
        instances come first.
    """
    whole: list[Series] = []
    alike: dict[Hashable, list[_Piece]] = defaultdict(list)
    for one in study:
        piece = _piece(one)
        if piece is None:
            whole.append(one)
        else:
            alike[_look(one.first)].append(piece)
    for pieces in alike.values():
        whole.extend(_one(chain) for chain in _chains(pieces))
    order = {(one.series_uid, one.part): place for place, one in enumerate(study)}
    return sorted(whole, key=lambda one: order[one.series_uid, one.part])


def _piece(series: Series) -> _Piece | None:
    """A stack that may be a piece of a head."""
    first = series.first
    if first.modality != "CT" or is_localizer(first) or names_other_part(first):
        return None
    places = [(along_normal(item), item) for item in series.instances if item.frames == 1]
    known = sorted(((mm, k) for k, (mm, _) in enumerate(places) if mm is not None))
    if len(known) < len(series.instances) or first.pixel_spacing_mm is None:
        return None
    along = tuple(mm for mm, _ in known)
    if not MIN_LENGTH_MM <= along[-1] - along[0] < FULL_COVERAGE_MM:
        return None
    return _Piece(series, tuple(places[k][1] for _, k in known), along)


def _look(item: Instance) -> Hashable:
    """What the slices of one stack share."""
    spacing = item.pixel_spacing_mm or ()
    return (
        item.sop_class_uid,
        item.frame_of_reference_uid,
        (item.rows, item.columns, tuple(round(value, 3) for value in spacing)),
        classify(item.kernel),
        contrast(item),
        is_mpr(item),
    )


def _chains(pieces: Sequence[_Piece]) -> list[list[_Piece]]:
    """Pieces from the lowest upwards, each where only it fits; most chains hold one."""
    numbers = range(len(pieces))
    pairs = [(a, b) for a, b in permutations(numbers, 2) if _goes_on(pieces[a], pieces[b])]
    ends, starts = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    after = {a: b for a, b in pairs if ends[a] == 1 == starts[b]}
    chains: list[list[_Piece]] = []
    for number in sorted({*numbers} - {*after.values()}):
        chain = [number]
        while chain[-1] in after:
            chain.append(after[chain[-1]])
        found = [pieces[k] for k in chain]
        tall = found[-1].along_mm[-1] - found[0].along_mm[0] > TALLEST_MM
        chains += [[piece] for piece in found] if tall else [found]
    return chains


def _goes_on(lower: _Piece, upper: _Piece) -> bool:
    """Whether the second stack begins where the first ends, and in line with it."""
    if apart(lower.series.acquired, upper.series.acquired):
        return False
    last, first = lower.slices[-1], upper.slices[0]
    way = upper.along_mm[0] - lower.along_mm[-1]
    usual = max(lower.step_mm, upper.step_mm)
    if not -usual < way <= usual + SLACK_MM or upper.along_mm[-1] <= lower.along_mm[-1]:
        return False
    return parallel(last, first) and _strays_mm(lower, way, first) <= SHIFT_MM


def _strays_mm(lower: _Piece, way: float, item: Instance) -> float:
    """How far a slice lies from where its stack would have gone."""
    start, end = (s.position_mm for s in (lower.slices[0], lower.slices[-1]))
    if start is None or end is None or item.position_mm is None:
        return math.inf
    share = way / (lower.along_mm[-1] - lower.along_mm[0])
    expected = [b + (b - a) * share for a, b in zip(start, end, strict=True)]
    return math.dist(expected, item.position_mm)


def _one(chain: Sequence[_Piece]) -> Series:
    first, *rest = sorted((piece.series for piece in chain), key=lambda s: -len(s.instances))
    instances = (item for series in (first, *rest) for item in series.instances)
    # The pieces may lie in one folder: what is unread there is the same for each.
    unread = max((series.unread for series in (first, *rest)), key=len)
    return replace(first, instances=tuple(instances), unread=unread) if rest else first
