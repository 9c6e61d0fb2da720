"""Assemble a series into a volume in Hounsfield units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ich_cli.dicom.codes import Code, because
from ich_cli.dicom.decode import decode
from ich_cli.dicom.geometry import (
    MAX_STEP_MM,
    Arrangement,
    arrange,
    canonicalise,
    is_shifted,
    slice_lengths,
    tilt_degrees,
    unseen_mm,
)
from ich_cli.dicom.lossy import lossy_note
from ich_cli.dicom.nifti import is_nifti, load_nifti
from ich_cli.dicom.planes import Decoder, Plane, Planes, load_planes
from ich_cli.dicom.repeats import choose
from ich_cli.domain import (
    FileRef,
    NotAnalysable,
    Reason,
    Series,
    Skipped,
    Volume,
)

MAX_LOST = 0.1
"""Share of slices that may be undecodable; what they may have shown is told as ``unseen_mm``."""
SLICES_LOST = "slices_lost"
"""Flag of a scan some slices of which could not be used."""
TILT_DEG = 1.0
MAX_REFORMAT_MM = 2.0
"""A sagittal or coronal stack is turned to axial when its slices lie at most so far apart."""


def load_volume(series: Series, decoder: Decoder = decode) -> Volume | NotAnalysable:
    """Decode, order and scale the slices of a series; never raises on its files.

    Args:
        series: Instances of one stack, as :func:`~ich_cli.dicom.discover.discover` returns.
        decoder: Decodes one file; the pipeline may pass one that runs in another process.

    Returns:
        The volume, in which every file of the series is ``used`` or ``skipped``; or why
        there is none.
    """
    if is_nifti(series.first.file):
        return load_nifti(series.first.file)
    loaded = load_planes(series.instances, decoder)
    if isinstance(loaded, Reason):
        return _refuse(series, loaded, {})
    if reason := _lost_too_many(loaded, series):
        return _refuse(series, reason, loaded.skipped)
    planes = _parallel(loaded.planes)
    left = {plane.item.file for plane in planes}
    for plane in loaded.planes:
        if plane.item.file not in left:
            loaded.skipped[plane.item.file] = because(
                Code.MIXED_ORIENTATION, "not parallel to the other slices"
            )
    placed = arrange(np.array([plane.position_mm for plane in planes]), planes[0].orientation)
    if reason := _cannot_stack(placed, len(planes)):
        return _refuse(series, reason, loaded.skipped)
    chosen = choose(_originals(placed, planes), lambda i: loaded.hu[planes[i].index])
    n_lost = len(loaded.hu) - len(planes) + len(series.unread)
    return _assemble(series, [planes[i] for i in chosen], placed, loaded, n_lost)


def _lost_too_many(loaded: Planes, series: Series) -> Reason | None:
    skipped, total = loaded.skipped, len(series.instances)
    if len(skipped) == total or len(skipped) > MAX_LOST * total:
        code, count, detail = _most_common(skipped.values())
        return Reason(code, f"{count} of {total} files: {detail}")
    n_frames = len(loaded.hu)
    if not skipped and (unplaced := n_frames - len(loaded.planes)) > MAX_LOST * n_frames:
        return because(
            Code.NO_GEOMETRY, f"{unplaced} of {n_frames} frames do not say where they lie"
        )
    beside = len(series.unread)
    if len(skipped) + beside > MAX_LOST * (total + beside):
        code, count, _ = _most_common(series.unread)
        return because(
            Code.INCOMPLETE, f"{beside} files beside its {total} cannot be read, {count} {code}"
        )
    return None


def _most_common(reasons: Collection[Reason]) -> tuple[str, int, str]:
    """Code that most have, how many those are, and the detail of one of them."""
    code, count = Counter(reason.code for reason in reasons).most_common(1)[0]
    return code, count, next(reason.detail for reason in reasons if reason.code == code)


def _parallel(planes: Sequence[Plane]) -> list[Plane]:
    """The planes that lie the way most of them do."""
    common, _ = Counter(tuple(np.round(plane.orientation, 2)) for plane in planes).most_common(1)[0]
    return [
        plane for plane in planes if np.abs(np.subtract(plane.orientation, common)).max() <= 0.03
    ]


def _originals(placed: Arrangement, planes: Sequence[Plane]) -> list[tuple[int, ...]]:
    """The planes to choose from at each place: no derived copy where there is an original."""
    places = []
    for indices in placed.places:
        original = [i for i in indices if "DERIVED" not in planes[i].item.image_type]
        places.append(tuple(original) or indices)
    return places


def _cannot_stack(placed: Arrangement, n_planes: int) -> Reason | None:
    count = len(placed.places)
    if count == 1:
        if n_planes > 1:
            return because(Code.ONE_POSITION, f"{n_planes} slices at one place")
        return because(Code.TOO_FEW_SLICES, "1 slice")
    widest = int(placed.steps_mm.argmax())
    if (step := float(placed.steps_mm[widest])) >= MAX_STEP_MM:
        return because(Code.GAP, f"{step:.1f} mm between slices {widest + 1} and {widest + 2}")
    return None


def _assemble(
    series: Series, planes: Sequence[Plane], placed: Arrangement, loaded: Planes, n_lost: int
) -> Volume | NotAnalysable:
    first, skipped = planes[0], loaded.skipped
    order = [plane.index for plane in planes]
    stack = loaded.hu if order == list(range(len(loaded.hu))) else loaded.hu[order]
    used = tuple(dict.fromkeys(plane.item.file for plane in planes))
    taken = set(used)
    for item in series.instances:
        if item.file not in taken:
            skipped.setdefault(item.file, because(Code.SAME_PLACE, "another slice is there"))
    positions = np.array([plane.position_mm for plane in planes])
    turned = canonicalise(stack, positions, first.orientation, first.pixel_mm)
    # Slices of one series have one kernel, see grouping: more of either was joined on purpose.
    n_pieces = len({(plane.item.series_uid, plane.item.kernel) for plane in planes})
    notes = _notes(placed, positions, n_lost, n_pieces)
    if lossy := lossy_note([plane.item for plane in planes]):
        notes += (lossy,)
    flags = {note.code for note in notes}.union(*(loaded.flags[file] for file in used))
    tilt = tilt_degrees(first.orientation) if turned.along_z else 0.0
    if abs(tilt) >= TILT_DEG:
        flags.add("tilt")
    slice_mm = slice_lengths(placed.along_mm)
    sop_uids = tuple(plane.item.sop_uid for plane in planes)
    if not turned.along_z:
        if placed.uneven or max(turned.spacing_mm) > MAX_REFORMAT_MM:
            reason = because(
                Code.NOT_AXIAL, "a sagittal or coronal stack too coarse or uneven to be turned"
            )
            return _refuse(series, reason, skipped)
        flags.add("turned_to_axial")
        slice_mm = np.full(turned.array.shape[0], turned.spacing_mm[0], np.float32)
        sop_uids = ("",) * turned.array.shape[0]
    return Volume(
        hu=turned.array,
        spacing_mm=turned.spacing_mm,
        slice_mm=slice_mm,
        positions_mm=turned.positions_mm,
        affine=turned.affine,
        sop_uids=sop_uids,
        tilt_deg=tilt,
        slice_thickness_mm=first.item.slice_thickness_mm,
        flags=tuple(sorted(flags)),
        used=used,
        skipped=_account(skipped),
        notes=notes,
        unseen_mm=unseen_mm(placed, n_lost),
    )


def _notes(
    placed: Arrangement, positions_mm: NDArray[np.float64], n_lost: int, n_pieces: int
) -> tuple[Reason, ...]:
    """What was odd about the slices' places, in numbers."""
    notes = [
        Reason("gap", f"{gap.mm:.1f} mm between slices {gap.index + 1} and {gap.index + 2}")
        for gap in placed.gaps
    ]
    if placed.uneven:
        steps = placed.steps_mm
        notes.append(
            Reason("uneven_spacing", f"{float(steps.min()):.1f} to {float(steps.max()):.1f} mm")
        )
    if placed.n_repeats:
        notes.append(Reason("duplicates_dropped", f"{placed.n_repeats} at a place taken"))
    if is_shifted(positions_mm, placed.along_mm):
        notes.append(Reason("shifted_slices", "slices displaced within their planes"))
    if n_lost:
        notes.append(Reason(SLICES_LOST, f"{n_lost} could not be used"))
    if n_pieces > 1:
        notes.append(Reason("joined_pieces", f"{n_pieces} stacks that go on from one another"))
    return tuple(notes)


def _refuse(series: Series, reason: Reason, skipped: Mapping[FileRef, Reason]) -> NotAnalysable:
    """Give up on the series; each file keeps its own reason or takes the series'."""
    every = {item.file: skipped.get(item.file, reason) for item in series.instances}
    return NotAnalysable(reason, skipped=_account(every))


def _account(reasons: Mapping[FileRef, Reason]) -> tuple[Skipped, ...]:
    return tuple(Skipped(file, reason) for file, reason in reasons.items())
