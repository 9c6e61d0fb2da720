"""Which instances may form one stack.

A SeriesInstanceUID is no promise: scanners and archives put localizers, two kernels, two
orientations or several runs over the same anatomy into one series.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from operator import attrgetter, itemgetter

from ich_cli.dicom.copies import drop_repeats
from ich_cli.dicom.moments import APART
from ich_cli.dicom.nifti import is_nifti
from ich_cli.domain import FileRef, Instance, Series, Skipped

ANGLE_COS = math.cos(math.radians(1.0))
"""Orientations within one degree are one; scanners round direction cosines."""
SAME_PLACE_MM = 0.05


def group(instances: Iterable[Instance]) -> tuple[tuple[Series, ...], tuple[Skipped, ...]]:
    """Gather instances into series and split those that hold more than one stack.

    Without a SeriesInstanceUID the folder stands in for it, and so it does for NIfTI files:
    names may be the same in many folders.

    Returns:
        The series in a stable order, and the files that repeat another one.
    """
    by_uid: dict[tuple[str, str, str], list[Instance]] = defaultdict(list)
    for item in instances:
        known = item.series_uid and not is_nifti(item.file)
        folder = "" if known else folder_of(item.file)
        by_uid[item.study_uid, item.series_uid, folder].append(item)
    series: list[Series] = []
    skipped: list[Skipped] = []
    parts_of: dict[tuple[str, str], int] = defaultdict(int)
    for study_uid, series_uid, folder in sorted(by_uid):
        kept, repeated = drop_repeats(by_uid[study_uid, series_uid, folder])
        skipped.extend(repeated)
        for stack in split(kept):
            part = parts_of[study_uid, series_uid]
            parts_of[study_uid, series_uid] += 1
            series.append(Series(study_uid, series_uid, part, tuple(stack)))
    return tuple(series), tuple(skipped)


def split(instances: Sequence[Instance]) -> list[list[Instance]]:
    """Split the instances of one series into stacks, largest first, each in slice order.

    Slices that do not say where they lie end up behind the largest stack that they resemble:
    they are slices that were lost, and not another scan.
    """
    stacks: list[list[Instance]] = []
    for alike in _by(instances, _kind):
        for parallel in _by_orientation(alike):
            for together in _by_examination(parallel):
                stacks.extend(_by_run(together))
    ordered = [sorted(stack, key=_order) for stack in stacks]
    ordered.sort(key=lambda stack: (-len(stack), _order(stack[0])))
    homes = [stack for stack in ordered if _is_placed(stack[0])]
    strays = []
    for stack in ordered:
        if not _is_placed(stack[0]):
            home = next((home for home in homes if _look(home[0]) == _look(stack[0])), None)
            if home is None:
                strays.append(stack)
            else:
                home.extend(stack)
    return [*homes, *strays]


def along_normal(item: Instance) -> float | None:
    """Place of an instance on the normal of its own plane, mm; ``None`` without geometry."""
    if item.position_mm is None or item.orientation is None:
        return None
    normal = normal_of(item)
    return sum(a * b for a, b in zip(item.position_mm, normal, strict=True))


def normal_of(item: Instance) -> tuple[float, float, float]:
    """Cross product of the row and column directions; zeros without an orientation."""
    if item.orientation is None:
        return (0.0, 0.0, 0.0)
    a, b, c, d, e, f = item.orientation
    return (b * f - c * e, c * d - a * f, a * e - b * d)


def _kind(item: Instance) -> Hashable:
    spacing = item.pixel_spacing_mm
    return (
        item.patient_id,
        item.modality,
        item.sop_class_uid,
        item.rows,
        item.columns,
        item.file if item.frames > 1 else None,
        tuple(round(value, 3) for value in spacing) if spacing else None,
        item.kernel,
        "LOCALIZER" in item.image_type,
        item.orientation is None or item.position_mm is None,
    )


def _is_placed(item: Instance) -> bool:
    return None not in (item.position_mm, item.orientation, item.pixel_spacing_mm)


def _look(item: Instance) -> Hashable:
    """What slices of one stack share beside their place; pages of text are of another type."""
    kind = (item.patient_id, item.modality, item.sop_class_uid, item.kernel, item.image_type)
    return kind, item.rows, item.columns, item.file if item.frames > 1 else None


def _by(instances: Iterable[Instance], key: Callable[[Instance], Hashable]) -> list[list[Instance]]:
    groups: dict[Hashable, list[Instance]] = defaultdict(list)
    for item in instances:
        groups[key(item)].append(item)
    return list(groups.values())


def _by_orientation(instances: Sequence[Instance]) -> list[list[Instance]]:
    groups: list[list[Instance]] = []
    for item in instances:
        for members in groups:
            if parallel(members[0], item):
                members.append(item)
                break
        else:
            groups.append([item])
    return groups


def parallel(a: Instance, b: Instance) -> bool:
    """Whether the planes of two instances lie the same way, within a degree."""
    if a.orientation is None or b.orientation is None:
        return a.orientation is b.orientation
    rows = sum(x * y for x, y in zip(a.orientation[:3], b.orientation[:3], strict=True))
    columns = sum(x * y for x, y in zip(a.orientation[3:], b.orientation[3:], strict=True))
    return rows > ANGLE_COS and columns > ANGLE_COS


def _by_examination(instances: list[Instance]) -> list[list[Instance]]:
    """Separate scans of the same anatomy with so much time between that they are no repeats."""
    timed = [(item.acquired, item) for item in instances if item.acquired]
    timed.sort(key=itemgetter(0))
    runs: list[list[Instance]] = []
    before = datetime.min
    for time, item in timed:
        if time - before > APART:
            runs.append([])
        runs[-1].append(item)
        before = time
    return runs if len(timed) == len(instances) and _repeat(runs) else [instances]


def _by_run(instances: list[Instance]) -> list[list[Instance]]:
    """Separate runs over the same anatomy; keep together runs that continue one another.

    A sequential scanner numbers every table position as an acquisition of its own, so the
    number alone splits nothing: it does when the numbered runs are stacks that overlap.
    """
    for name in ("acquisition_number", "slice_thickness_mm"):
        runs = _by(instances, attrgetter(name))
        if len(runs) > 1 and _repeat(runs):
            return runs
    return [instances]


def _repeat(runs: Sequence[Sequence[Instance]]) -> bool:
    """Whether any two runs of at least two planes each cover the same stretch."""
    spans = []
    for run in runs:
        places = [place for item in run if (place := along_normal(item)) is not None]
        if len(places) > 1 and max(places) - min(places) > SAME_PLACE_MM:
            spans.append((min(places), max(places)))
    spans.sort()
    return any(
        min(a[1], b[1]) - b[0] > 0.5 * min(a[1] - a[0], b[1] - b[0]) for a, b in pairwise(spans)
    )


def _order(item: Instance) -> tuple[float, bool, int, str, str]:
    place = along_normal(item)
    return (
        round(place, 2) if place is not None else 0.0,
        "DERIVED" in item.image_type,
        item.acquisition_number or 0,
        item.sop_uid,
        str(item.file),
    )


def folder_of(file: FileRef) -> str:
    """The folder that a file lies in, on disk or in an archive."""
    if file.member is None:
        return str(file.path.parent)
    return f"{file.path}!{file.member.rpartition('/')[0]}"
