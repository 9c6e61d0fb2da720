"""Decode the files of a series into one array of planes, each with its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ich_cli.dicom.codes import Code, because
from ich_cli.dicom.decode import Pixels
from ich_cli.dicom.hu import Hounsfield, to_hounsfield
from ich_cli.dicom.limits import MIB
from ich_cli.domain import FileRef, FloatArray, Instance, Reason

MAX_VOLUME_BYTES = 8192 * MIB

Decoder = Callable[[FileRef], Pixels | Reason]


@dataclass(frozen=True, slots=True)
class Plane:
    """One slice to be; ``index`` is its place in the array of planes."""

    item: Instance
    index: int
    position_mm: tuple[float, float, float]
    orientation: tuple[float, ...]
    pixel_mm: tuple[float, float]


@dataclass(slots=True)
class Planes:
    """The decoded planes of a series, in the order of its instances.

    Attributes:
        hu: ``(n, rows, columns)``; rows of it that no plane points to hold nothing.
        planes: Those that could be decoded and placed; frames without a place are missing.
        flags: What was odd about a file's values.
        skipped: Files without a plane, and why.
    """

    hu: FloatArray
    planes: list[Plane] = field(default_factory=list)
    flags: dict[FileRef, frozenset[str]] = field(default_factory=dict)
    skipped: dict[FileRef, Reason] = field(default_factory=dict)


def load_planes(instances: Sequence[Instance], decoder: Decoder) -> Planes | Reason:
    """Decode every file straight into its place of one array: the peak is one volume.

    Args:
        instances: At least one; the first one's matrix is the stack's.
        decoder: Decodes one file.
    """
    rows, columns = instances[0].rows or 0, instances[0].columns or 0
    total = sum(item.frames for item in instances)
    if total * rows * columns * 4 > MAX_VOLUME_BYTES:
        return because(Code.TOO_LARGE, f"{total} slices of {rows} × {columns}")
    found = Planes(np.empty((total, rows, columns), np.float32))
    start = 0
    for item in instances:
        got = _load(item, decoder, (item.frames, rows, columns), start)
        if isinstance(got, Reason):
            found.skipped[item.file] = got
        else:
            scaled, planes = got
            found.hu[start : start + item.frames] = scaled.hu
            found.flags[item.file] = scaled.flags
            found.planes.extend(planes)
        start += item.frames
    return found


def _load(
    item: Instance, decoder: Decoder, shape: tuple[int, int, int], start: int
) -> tuple[Hounsfield, list[Plane]] | Reason:
    pixels = decoder(item.file)
    if isinstance(pixels, Reason):
        return pixels
    if pixels.stored.shape != shape:
        return because(Code.MIXED_MATRIX, f"{pixels.stored.shape}, expected {shape}")
    planes = _place(item, pixels, start)
    if not planes:
        return because(Code.NO_GEOMETRY, "no ImagePositionPatient, orientation or PixelSpacing")
    scaled = to_hounsfield(pixels)
    return scaled if isinstance(scaled, Reason) else (scaled, planes)


def _place(item: Instance, pixels: Pixels, start: int) -> list[Plane]:
    frames = pixels.stored.shape[0]
    if len(pixels.frames) == frames:
        places = [
            (
                # What the file as a whole says is the place of its first frame.
                frame.position_mm or (item.position_mm if frames == 1 else None),
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
        Plane(item, start + index, position, orientation, pixel)
        for index, (position, orientation, pixel) in enumerate(places)
        if position is not None and orientation is not None and pixel is not None
    ]
