"""The few header facts of one DICOM file, whatever its encoding.

Values are taken from the raw bytes of the wanted elements: quick, and immune to the many
ways in which headers break the value rules of the standard.
"""

from __future__ import annotations

import math
import re
import struct
import zipfile
import zlib
from contextlib import suppress
from io import BytesIO
from typing import Any, BinaryIO

from pydicom.charset import convert_encodings
from pydicom.charset import decode_bytes as decode_text
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.tag import BaseTag

from ich_cli.dicom.archive import open_file, packed
from ich_cli.dicom.codes import Code, because
from ich_cli.dicom.enhanced import ENHANCED_CT, Frame, read_frames
from ich_cli.dicom.lenient import read_dataset
from ich_cli.dicom.limits import DEFLATED, FAILURES, HEAD_BYTES, check_deflated, check_matrix
from ich_cli.dicom.moments import moment
from ich_cli.dicom.nifti import is_nifti, read_nifti_header
from ich_cli.domain import FileRef, Instance, Reason

READ_AHEAD = 32 * 1024
"""Bytes taken at once: nearly every header ends before, and one read spares many."""
DICOMDIR_CLASS = "1.2.840.10008.1.3.10"
_CT_IMAGES = ENHANCED_CT | {"1.2.840.10008.5.1.4.1.1.2"}

KEPT_TAGS = (
    "ContrastBolusRoute",
    "GantryDetectorTilt",
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "ManufacturerModelName",
    "PatientAge",
    "PatientSex",
    "RescaleType",
    "SamplesPerPixel",
    "ScanOptions",
)
"""Header values that go into ``Instance.tags`` as they are."""

_FACTS = (
    "AcquisitionDate",
    "AcquisitionDateTime",
    "AcquisitionNumber",
    "AcquisitionTime",
    "BodyPartExamined",
    "Columns",
    "ContrastBolusAgent",
    "ConvolutionKernel",
    "FrameOfReferenceUID",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "ImageType",
    "KVP",
    "Manufacturer",
    "Modality",
    "NumberOfFrames",
    "PatientID",
    "PatientPosition",
    "PixelSpacing",
    "ProtocolName",
    "Rows",
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesDescription",
    "SeriesInstanceUID",
    "SeriesNumber",
    "SliceThickness",
    "SpecificCharacterSet",
    "StudyDate",
    "StudyDescription",
    "StudyInstanceUID",
)
_ACQUIRED = ("AcquisitionDate", "AcquisitionTime", "AcquisitionDateTime")
_NAMES = (*_FACTS, *KEPT_TAGS)
_WANTED = [int(tag_for_keyword(name) or 0) for name in _NAMES]
_TAG = {name: BaseTag(tag) for name, tag in zip(_NAMES, _WANTED, strict=True)}
_GROUPS = [
    int(tag_for_keyword(name) or 0)
    for name in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
]
_FIRST_GROUPS = frozenset({0x0002, 0x0008})
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def read_header(ref: FileRef, archive: zipfile.ZipFile | None = None) -> Instance | Reason:
    """Read the header of one file; never raises.

    Args:
        ref: The file, or the member of an archive.
        archive: The archive at ``ref.path`` when it is open already.

    Returns:
        The facts of an image object, or why there are none.
    """
    if is_nifti(ref):
        return read_nifti_header(ref)
    try:
        with open_file(ref, archive) as stream:
            return parse_header(stream, ref)
    except (zipfile.BadZipFile, zlib.error):
        return because(Code.BROKEN_ARCHIVE, "the member cannot be read")
    except OSError as error:
        return because(Code.UNREADABLE, type(error).__name__)
    except FAILURES as error:
        return because(Code.BROKEN_HEADER, type(error).__name__)


def parse_header(stream: BinaryIO, ref: FileRef) -> Instance | Reason:
    """Read the header from an open stream.

    Raises:
        OSError: Reading failed.
        Exception: One of :data:`~ich_cli.dicom.limits.FAILURES` on damaged bytes.
    """
    head = stream.read(READ_AHEAD)
    if not head:
        return because(Code.EMPTY_FILE)
    if not looks_like_dicom(head):
        return packed(head, in_archive=ref.member is not None) or because(Code.NOT_DICOM)
    if DEFLATED in head[:HEAD_BYTES] and (reason := check_deflated(stream)):
        return reason
    dataset = _read_elements(stream, head, _WANTED)
    meta_class = str(dataset.file_meta.get("MediaStorageSOPClassUID", ""))
    if meta_class == DICOMDIR_CLASS:
        return because(Code.DICOMDIR)
    facts = _Facts(dataset)
    sop_class = facts.text("SOPClassUID") or meta_class or None
    rows, columns = facts.whole("Rows"), facts.whole("Columns")
    modality = facts.text("Modality")
    if rows is None or columns is None:
        if sop_class in _CT_IMAGES and modality in {"CT", None}:
            return because(Code.BROKEN_HEADER, "a CT image whose header ends early")
        return because(Code.NOT_IMAGE, modality or "no modality")
    frames = facts.whole("NumberOfFrames") or 1
    if reason := check_matrix(rows, columns, frames):
        return reason
    instance = _instance(facts, ref, rows, columns, frames, sop_class)
    if modality == "CT" and (sop_class in ENHANCED_CT or frames > 1):
        return _with_frames(instance, _read_elements(stream, head, _GROUPS))
    return instance


def _read_elements(stream: BinaryIO, head: bytes, tags: list[int]) -> FileDataset:
    """Parse from the bytes at hand; from the file only when the header is longer."""
    if len(head) < READ_AHEAD:
        return read_dataset(BytesIO(head), tags)
    if DEFLATED not in head[:HEAD_BYTES]:
        buffer = BytesIO(head)
        with suppress(*FAILURES):
            dataset = read_dataset(buffer, tags)
            if buffer.tell() < len(head):
                return dataset
    stream.seek(0)
    return read_dataset(stream, tags)


def looks_like_dicom(head: bytes) -> bool:
    """Tell DICOM from other files by its first bytes, with or without a preamble.

    Without one, the first element must be of group 2 or 8, with a value representation or a
    length that the first element of a data set can have.
    """
    if head[128:132] == b"DICM":
        return True
    if len(head) < 16:
        return False
    for order in "<>":
        group, element = struct.unpack_from(f"{order}HH", head)
        if group in _FIRST_GROUPS and element <= 0x2000:
            if head[4:6].isalpha() and head[4:6].isupper():
                return True
            return bool(struct.unpack_from(f"{order}I", head, 4)[0] < 4096)
    return False


class _Facts:
    """Typed access to the raw elements of a data set."""

    def __init__(self, dataset: FileDataset) -> None:
        self._dataset = dataset
        charset = self._raw("SpecificCharacterSet")
        names = charset.decode("ascii", "replace").strip(" \0").split("\\") if charset else [""]
        try:
            self._encodings = list(convert_encodings([name.strip() for name in names]))
        except (LookupError, ValueError):
            self._encodings = ["utf-8"]

    def transfer_syntax(self) -> str | None:
        uid = self._dataset.file_meta.get("TransferSyntaxUID")
        return str(uid) if uid else None

    def _raw(self, name: str) -> bytes | None:
        tag = _TAG[name]
        if tag not in self._dataset:
            return None
        element = self._dataset.get_item(tag)
        value = element.value if isinstance(element, RawDataElement) else None
        return value if isinstance(value, bytes) else None

    def text(self, name: str) -> str | None:
        raw = self._raw(name)
        if not raw:
            return None
        try:
            value = raw.decode("ascii")
        except UnicodeDecodeError:
            value = decode_text(raw, self._encodings, set())
        return value.replace("\0", " ").strip() or None

    def words(self, name: str) -> tuple[str, ...]:
        value = self.text(name)
        return tuple(word.strip().upper() for word in value.split("\\")) if value else ()

    def numbers(self, name: str, count: int) -> tuple[float, ...] | None:
        value = self.text(name)
        parts = [part.strip() for part in value.split("\\")] if value else []
        if len(parts) < count or not all(_NUMBER.fullmatch(part) for part in parts[:count]):
            return None
        values = tuple(float(part) for part in parts[:count])
        return values if all(math.isfinite(item) for item in values) else None

    def number(self, name: str) -> float | None:
        values = self.numbers(name, 1)
        return values[0] if values else None

    def whole(self, name: str) -> int | None:
        """An IS as text, or a US as two bytes in the data set's order."""
        raw = self._raw(name)
        if raw is not None and len(raw) == 2 and name in {"Rows", "Columns", "SamplesPerPixel"}:
            element = self._dataset.get_item(_TAG[name])
            little = getattr(element, "is_little_endian", True)
            return int.from_bytes(raw, "little" if little else "big")
        value = self.number(name)
        return int(value) if value is not None else None


def _instance(
    facts: _Facts, ref: FileRef, rows: int, columns: int, frames: int, sop_class: str | None
) -> Instance:
    spacing = facts.numbers("PixelSpacing", 2)
    thickness = facts.number("SliceThickness")
    kvp = facts.number("KVP")
    tags = {name: value for name in KEPT_TAGS if (value := facts.text(name))}
    if samples := facts.whole("SamplesPerPixel"):
        tags["SamplesPerPixel"] = str(samples)
    return Instance(
        file=ref,
        sop_uid=facts.text("SOPInstanceUID") or "",
        study_uid=facts.text("StudyInstanceUID") or "",
        series_uid=facts.text("SeriesInstanceUID") or "",
        modality=facts.text("Modality"),
        sop_class_uid=sop_class,
        transfer_syntax_uid=facts.transfer_syntax(),
        image_type=facts.words("ImageType"),
        rows=rows,
        columns=columns,
        frames=frames,
        position_mm=_vector(facts.numbers("ImagePositionPatient", 3)),
        orientation=_directions(facts.numbers("ImageOrientationPatient", 6)),
        pixel_spacing_mm=(spacing[0], spacing[1]) if spacing and min(spacing) > 0 else None,
        slice_thickness_mm=thickness if thickness and thickness > 0 else None,
        kvp=kvp if kvp and kvp > 0 else None,
        kernel=facts.text("ConvolutionKernel"),
        contrast_agent=facts.text("ContrastBolusAgent"),
        series_description=facts.text("SeriesDescription"),
        study_description=facts.text("StudyDescription"),
        protocol_name=facts.text("ProtocolName"),
        body_part=facts.text("BodyPartExamined"),
        manufacturer=facts.text("Manufacturer"),
        patient_id=facts.text("PatientID"),
        study_date=facts.text("StudyDate"),
        acquired=moment(*map(facts.text, _ACQUIRED)),
        frame_of_reference_uid=facts.text("FrameOfReferenceUID"),
        acquisition_number=facts.whole("AcquisitionNumber"),
        series_number=facts.whole("SeriesNumber"),
        patient_position=facts.text("PatientPosition"),
        tags=tags,
    )


def _with_frames(instance: Instance, groups: Dataset) -> Instance:
    """Complete a multi-frame instance with the place of its first frame and its extent."""
    frames = read_frames(groups)
    if not frames:
        return instance
    first = frames[0]
    kinds = {word for frame in frames for word in frame.frame_type}
    times = {frame.time_index for frame in frames}
    tags = dict(instance.tags) | {
        "FrameTimes": str(len(times)),
        "FramePlaces": str(len({frame.position_mm for frame in frames if frame.position_mm})),
        "FrameCoverage": f"{_coverage_mm(frames):.1f}",
        "FrameTypes": "\\".join(sorted(kinds)),
    }
    values: dict[str, Any] = {name: getattr(instance, name) for name in Instance.__slots__}
    values.update(
        position_mm=instance.position_mm or first.position_mm,
        orientation=instance.orientation or first.orientation,
        pixel_spacing_mm=instance.pixel_spacing_mm or first.pixel_mm,
        slice_thickness_mm=instance.slice_thickness_mm or first.thickness_mm,
        tags=tags,
    )
    return Instance(**values)


def _coverage_mm(frames: tuple[Frame, ...]) -> float:
    places = [frame.position_mm for frame in frames if frame.position_mm]
    return max((math.dist(places[0], place) for place in places), default=0.0)


def _vector(values: tuple[float, ...] | None) -> tuple[float, float, float] | None:
    return (values[0], values[1], values[2]) if values else None


def _directions(
    values: tuple[float, ...] | None,
) -> tuple[float, float, float, float, float, float] | None:
    """Direction cosines, when they are two perpendicular unit vectors within 1 %."""
    if values is None:
        return None
    row, column = values[:3], values[3:]
    if abs(math.hypot(*row) - 1) > 0.01 or abs(math.hypot(*column) - 1) > 0.01:
        return None
    if abs(sum(a * b for a, b in zip(row, column, strict=True))) > 0.01:
        return None
    return (values[0], values[1], values[2], values[3], values[4], values[5])
