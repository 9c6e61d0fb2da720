"""NIfTI volumes of CT, as research data sets come: read as if they were a series.

A NIfTI file has no identity and no header of a scanner. Its name without suffix stands in
for the series, and its slices are called ``name:1``, ``name:2`` … in the order of the
file's third axis, which is how the data sets' label tables count them. The study is the name
after those of the two folders it lies in, ``sub-01/ct/image``: many data sets call every
patient's file alike.
"""

from __future__ import annotations

import gzip
import importlib
import math
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ich_cli.dicom.codes import Code, because
from ich_cli.dicom.geometry import MAX_STEP_MM, tilt_degrees
from ich_cli.dicom.hu import AIR_HU, MAX_HU
from ich_cli.dicom.nifti_header import HEADER_BYTES, doubt_of_sides, promised_bytes
from ich_cli.domain import (
    FileRef,
    Instance,
    NotAnalysable,
    Reason,
    Skipped,
    Volume,
)

SUFFIXES = (".nii", ".nii.gz")
MIN_SIDE, MAX_VOXELS = 16, 2_000_000_000
TILT_DEG = 1.0
UNREADABLE = "not a readable NIfTI header"


def is_nifti(ref: FileRef) -> bool:
    """Whether a file is called as NIfTI files are. Members of archives are not read."""
    return ref.member is None and ref.path.name.lower().endswith(SUFFIXES)


def stem(path: Path) -> str:
    """The name without ``.nii`` or ``.nii.gz``."""
    name = path.name
    return name[: -len(".nii.gz")] if name.lower().endswith(".nii.gz") else name[: -len(".nii")]


def read_nifti_header(ref: FileRef) -> Instance | Reason:
    """The facts that selection asks for; never raises.

    A file that cannot be read is no missing slice but a whole scan: an instance without a matrix
    stands for it, so that it has a row. Hidden files, as macOS leaves beside others, have none.
    """
    reader = _open_header(ref)
    if isinstance(reader, Reason):
        hidden = ref.path.name.startswith(".")
        return reader if hidden or reader.code != Code.BROKEN_HEADER.value else _by_name(ref)
    size, direction, spacing = reader.GetSize(), reader.GetDirection(), reader.GetSpacing()
    return replace(
        _by_name(ref),
        rows=size[1],
        columns=size[0],
        frames=size[2],
        position_mm=_triple(reader.GetOrigin()),
        orientation=(*_triple(direction[0::3]), *_triple(direction[1::3])),
        pixel_spacing_mm=(float(spacing[1]), float(spacing[0])),
        tags={"FramePlaces": str(size[2]), "FrameCoverage": f"{spacing[2] * (size[2] - 1):.3f}"},
    )


def is_unread(item: Instance) -> bool:
    """Whether an instance stands for a NIfTI file whose header cannot be read."""
    return item.rows is None and is_nifti(item.file)


def _open_header(ref: FileRef) -> Any | Reason:
    """A reader that knows the header, or why there is no volume to read."""
    sitk: Any = importlib.import_module("SimpleITK")
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(ref.path))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return because(Code.BROKEN_HEADER, UNREADABLE)
    size = reader.GetSize()
    if len(size) != 3 or min(size[:2]) < MIN_SIDE:
        return because(Code.NOT_IMAGE, f"a NIfTI file of {' × '.join(map(str, size))}")
    if math.prod(size) > MAX_VOXELS:
        return because(Code.TOO_LARGE, f"{' × '.join(map(str, size))} voxels")
    return reader


def _by_name(ref: FileRef) -> Instance:
    """What the place of a file tells of it."""
    name = stem(ref.path)
    place = "/".join((*ref.path.absolute().parent.parts[1:][-2:], name))
    return Instance(
        file=ref,
        sop_uid=place,
        study_uid=place,
        series_uid=name,
        modality="CT",
        patient_id=name,
    )


def load_nifti(ref: FileRef) -> Volume | NotAnalysable:
    """Read a volume in Hounsfield units and turn it to canonical axes; never raises."""
    sitk: Any = importlib.import_module("SimpleITK")
    header = _open_header(ref)
    if isinstance(header, Reason):
        return _refuse(ref, header)
    try:
        doubt = doubt_of_sides(_whole_header(ref.path))
        image = sitk.ReadImage(str(ref.path))
    except (EOFError, OSError, RuntimeError, zlib.error):
        return _refuse(ref, because(Code.TRUNCATED, "the NIfTI file ends early or is damaged"))
    if doubt:
        return _refuse(ref, because(Code.NO_GEOMETRY, doubt))
    if image.GetNumberOfComponentsPerPixel() != 1:
        return _refuse(ref, because(Code.NOT_IMAGE, "more than one value a voxel"))
    if (step := max(image.GetSpacing())) >= MAX_STEP_MM:
        return _refuse(ref, because(Code.GAP, f"{step:.1f} mm between slices"))
    third = _along_third_axis(image.GetDirection())
    oriented = sitk.DICOMOrient(image, "LPS")
    raw = sitk.GetArrayFromImage(oriented).astype(np.float32)
    if not np.isfinite(raw).all():
        raw = np.nan_to_num(raw, nan=AIR_HU, posinf=MAX_HU, neginf=AIR_HU)
    hu = np.clip(raw, AIR_HU, MAX_HU)
    flags = {"nifti"} | ({"hu_clamped"} if (raw > MAX_HU).any() else set())
    direction = np.array(oriented.GetDirection()).reshape(3, 3)
    spacing = np.array(oriented.GetSpacing())
    origin = np.array(oriented.GetOrigin())
    tilt = tilt_degrees((*direction[:, 0], *direction[:, 1]))
    if abs(tilt) >= TILT_DEG:
        flags.add("tilt")
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = direction * spacing, origin
    depth = len(hu)
    steps = np.arange(depth)[:, None] * (direction[:, 2] * spacing[2])[None]
    return Volume(
        hu=hu,
        spacing_mm=(float(spacing[2]), float(spacing[1]), float(spacing[0])),
        slice_mm=np.full(depth, spacing[2], np.float32),
        positions_mm=origin[None] + steps,
        affine=affine,
        sop_uids=_slice_names(stem(ref.path), depth, third),
        tilt_deg=tilt,
        flags=tuple(sorted(flags)),
        used=(ref,),
    )


def _whole_header(path: Path) -> bytes:
    """The header of a file that is all there: the library fills up what a cut file lacks.

    Raises:
        EOFError: The file ends early.
        OSError: It cannot be read, or its checksum is wrong.
        zlib.error: The compressed data are damaged.
    """
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else path.open("rb") as file:
        head = file.read(HEADER_BYTES)
        needed = promised_bytes(head)
        length = len(head)
        while block := file.read(1 << 22):
            length += len(block)
    if length < needed:
        raise EOFError(f"{length} of {needed} bytes")
    return head


def _slice_names(name: str, depth: int, third: int) -> tuple[str, ...]:
    """Names by the file's own count; empty where the file's slices are not axial."""
    if third == 0:
        return ("",) * depth
    order = range(1, depth + 1) if third > 0 else range(depth, 0, -1)
    return tuple(f"{name}:{k}" for k in order)


def _along_third_axis(direction: tuple[float, ...]) -> int:
    """1 or −1 where the file's third axis runs up or down the head, 0 where it does neither."""
    third = np.array(direction).reshape(3, 3)[:, 2]
    if int(np.abs(third).argmax()) != 2:
        return 0
    return 1 if third[2] > 0 else -1


def _triple(values: tuple[float, ...]) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in values)
    return x, y, z


def _refuse(ref: FileRef, reason: Reason) -> NotAnalysable:
    return NotAnalysable(reason, skipped=(Skipped(ref, reason),))
