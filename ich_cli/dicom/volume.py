"""Assemble a series into a volume in Hounsfield units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ich_cli.dicom.codes import Code, because
from ich_cli.dicom.decode import Pixels, decode
from ich_cli.dicom.geometry import (
    Arrangement,
    arrange,
    canonicalise,
    is_shifted,
    slice_lengths,
    tilt_degrees,
)
from ich_cli.dicom.hu import Hounsfield, to_hounsfield
from ich_cli.dicom.limits import MIB
from ich_cli.dicom.repeats import choose
from ich_cli.domain import (
    FileRef,
    FloatArray,
    Instance,
    NotAnalysable,
    Reason,
    Series,
    Skipped,
    Volume,
)

MAX_STEP_MM = 12.0
"""Between neighbouring planes; a bleed of 10 mm may lie unseen in more."""
MAX_LOST = 0.1
"""Share of slices that may be undecodable."""
MAX_VOLUME_BYTES = 16384 * MIB
TILT_DEG = 1.0
MAX_REFORMAT_MM = 2.0
"""A sagittal or coronal stack is turned to axial when its slices lie at most so far apart."""

Decoder = Callable[[FileRef], Pixels | Reason]


@dataclass(frozen=True, slots=True)
class _Plane:
    """One slice to be: whose file, which frame, where."""

    item: Instance
    frame: int
    position_mm: tuple[float, float, float]
    orientation: tuple[float, ...]
    pixel_mm: tuple[float, float]


def load_volume(series: Series, decoder: Decoder = decode) -> Volume | NotAnalysable:
    """Decode, order and scale the slices of a series; never raises on its files.

    Args:
        series: Instances of one stack, as :func:`~ich_cli.dicom.discover.discover` returns.
        decoder: Decodes one file; the pipeline may pass one that runs in another process.

    Returns:
        The volume, in which every file of the series is ``used`` or ``skipped``; or why
        there is none.
    """
    skipped: dict[FileRef, Reason] = {}
    loaded: dict[FileRef, Hounsfield] = {}
    planes: list[_Plane] = []
    for item in series.instances:
        got = _load_one(item, decoder)
        if isinstance(got, Reason):
            skipped[item.file] = got
            continue
        scaled, own = got
        loaded[item.file] = scaled
        planes.extend(own)
    if reason := _lost_too_many(skipped, len(series.instances)):
        return _refuse(series, reason, skipped)
    odd = _deviating(planes)
    planes = [plane for plane in planes if plane.item.file not in odd]
    skipped.update(odd)
    placed = arrange(np.array([plane.position_mm for plane in planes]), planes[0].orientation)
    if reason := _cannot_stack(placed, planes):
        return _refuse(series, reason, skipped)
    chosen = choose(
        _originals(placed, planes), lambda i: loaded[planes[i].item.file].hu[planes[i].frame]
    )
    return _assemble(series, [planes[i] for i in chosen], placed, loaded, skipped)


def _load_one(item: Instance, decoder: Decoder) -> tuple[Hounsfield, list[_Plane]] | Reason:
    pixels = decoder(item.file)
    if isinstance(pixels, Reason):
        return pixels
    planes = _planes(item, pixels)
    if not planes:
        return because(Code.NO_GEOMETRY, "no ImagePositionPatient, orientation or PixelSpacing")
    scaled = to_hounsfield(pixels)
    return scaled if isinstance(scaled, Reason) else (scaled, planes)


def _planes(item: Instance, pixels: Pixels) -> list[_Plane]:
    frames = pixels.stored.shape[0]
    if len(pixels.frames) == frames and frames > 0:
        places = [
            (
                frame.position_mm or item.position_mm,
                frame.orientation or item.orientation,
                frame.pixel_mm or item.pixel_spacing_mm,
            )
            for frame in pixels.frames
        ]
    elif frames == 1:
        places = [(item.position_mm, item.orientation, item.pixel_spacing_mm)]
    else:
        return []
    return [
        _Plane(item, index, position, orientation, pixel)
        for index, (position, orientation, pixel) in enumerate(places)
        if position is not None and orientation is not None and pixel is not None
    ]


def _lost_too_many(skipped: dict[FileRef, Reason], total: int) -> Reason | None:
    if len(skipped) == total or len(skipped) > MAX_LOST * total:
        code, count = Counter(reason.code for reason in skipped.values()).most_common(1)[0]
        detail = next(reason.detail for reason in skipped.values() if reason.code == code)
        return Reason(code, f"{count} of {total} files: {detail}")
    return None


def _deviating(planes: Sequence[_Plane]) -> dict[FileRef, Reason]:
    """Files whose planes are not parallel to, or not of the grid of, most others."""
    common, _ = Counter(
        (tuple(np.round(plane.orientation, 2)), plane.item.rows, plane.item.columns)
        for plane in planes
    ).most_common(1)[0]
    directions, rows, columns = common
    return {
        plane.item.file: because(Code.MIXED_ORIENTATION, "not parallel to the other slices")
        for plane in planes
        if (plane.item.rows, plane.item.columns) != (rows, columns)
        or np.abs(np.asarray(plane.orientation) - directions).max() > 0.03
    }


def _originals(placed: Arrangement, planes: Sequence[_Plane]) -> list[tuple[int, ...]]:
    """The planes to choose from at each place: no derived copy where there is an original."""
    places = []
    for indices in placed.places:
        original = [i for i in indices if "DERIVED" not in planes[i].item.image_type]
        places.append(tuple(original) or indices)
    return places


def _cannot_stack(placed: Arrangement, planes: Sequence[_Plane]) -> Reason | None:
    count = len(placed.places)
    if count == 1:
        if len(planes) > 1:
            return because(Code.ONE_POSITION, f"{len(planes)} slices at one place")
        return because(Code.TOO_FEW_SLICES, "1 slice")
    widest = int(placed.steps_mm.argmax())
    if (step := float(placed.steps_mm[widest])) >= MAX_STEP_MM:
        return because(Code.GAP, f"{step:.1f} mm between slices {widest + 1} and {widest + 2}")
    item = planes[0].item
    if count * (item.rows or 0) * (item.columns or 0) * 4 > MAX_VOLUME_BYTES:
        return because(Code.TOO_LARGE, f"{count} slices of {item.rows} × {item.columns}")
    return None


def _assemble(
    series: Series,
    planes: Sequence[_Plane],
    placed: Arrangement,
    loaded: dict[FileRef, Hounsfield],
    skipped: dict[FileRef, Reason],
) -> Volume | NotAnalysable:
    first = planes[0]
    flags: set[str] = set()
    shape = (len(planes), *loaded[first.item.file].hu.shape[1:])
    stack: FloatArray = np.empty(shape, np.float32)
    for index, plane in enumerate(planes):
        scaled = loaded[plane.item.file]
        stack[index] = scaled.hu[plane.frame]
        flags |= scaled.flags
        if plane.item.frames == 1:
            del loaded[plane.item.file]  # keeps the peak near one copy of the volume
    used = tuple(dict.fromkeys(plane.item.file for plane in planes))
    for item in series.instances:
        if item.file not in used:
            skipped.setdefault(item.file, because(Code.SAME_PLACE, "another slice is there"))
    positions = np.array([plane.position_mm for plane in planes])
    turned = canonicalise(stack, positions, first.orientation, first.pixel_mm)
    notes = _notes(placed, positions, skipped)
    flags |= {note.code for note in notes}
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
    )


def _notes(
    placed: Arrangement, positions_mm: NDArray[np.float64], skipped: Mapping[FileRef, Reason]
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
    lost = sum(reason.code != Code.SAME_PLACE.value for reason in skipped.values())
    if lost:
        notes.append(Reason("slices_lost", f"{lost} could not be used"))
    return tuple(notes)


def _refuse(series: Series, reason: Reason, skipped: Mapping[FileRef, Reason]) -> NotAnalysable:
    """Give up on the series; each file keeps its own reason or takes the series'."""
    every = {item.file: skipped.get(item.file, reason) for item in series.instances}
    return NotAnalysable(reason, skipped=_account(every))


def _account(reasons: Mapping[FileRef, Reason]) -> tuple[Skipped, ...]:
    return tuple(Skipped(file, reason) for file, reason in reasons.items())
