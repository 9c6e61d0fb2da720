"""Stored pixel values of one file, whatever its transfer syntax.

:func:`decode` takes and returns plain picklable data, so that it can run in a worker
process where a decoder that crashes on damaged bytes takes nothing with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from ich_cli.dicom import jpeg12
from ich_cli.dicom.archive import open_file
from ich_cli.dicom.codes import Code, because
from ich_cli.dicom.enhanced import Frame, read_frames
from ich_cli.dicom.lenient import read_dataset
from ich_cli.dicom.limits import FAILURES, check_deflated, check_matrix, check_pixels
from ich_cli.domain import FileRef, Reason

_LAST_PLUGINS = ("pillow", "pydicom")
"""Tried after gdcm: the one is less exact, the other slow."""
_ACR_NEMA = {"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2"}
"""What the forerunner of DICOM took for granted."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """Stored values with what turns them into Hounsfield units.

    Attributes:
        stored: ``(frames, rows, columns)`` in the file's own integer type.
        slope: Rescale slope; ``None`` = not said.
        intercept: Rescale intercept; ``None`` = not said.
        padding: Lowest and highest stored value that mean "outside the picture".
        inverted: MONOCHROME1.
        bits_stored: Of the bits allocated, how many carry the value.
        frames: Place and scale of each frame of an enhanced object; empty otherwise.
    """

    stored: NDArray[np.integer[Any]]
    slope: float | None = None
    intercept: float | None = None
    padding: tuple[int, int] | None = None
    inverted: bool = False
    bits_stored: int = 16
    frames: tuple[Frame, ...] = ()


def decode(ref: FileRef) -> Pixels | Reason:
    """Decode one file's pixels; never raises.

    Args:
        ref: The file, or the member of an archive.

    Returns:
        The pixels, or a reason that names the transfer syntax.
    """
    try:
        dataset = read_whole(ref)
        return dataset if isinstance(dataset, Reason) else _decode(dataset)
    except FAILURES as error:
        return because(Code.CANNOT_DECODE, type(error).__name__)


def read_whole(ref: FileRef) -> FileDataset | Reason:
    """Read one file whose encoded pixels are all there; they are not decoded.

    Returns:
        The data set, or what is wrong with it.

    Raises:
        Exception: One of :data:`~ich_cli.dicom.limits.FAILURES` on damaged bytes.
    """
    try:
        with open_file(ref) as stream:
            if reason := check_deflated(stream):
                return reason
            data = stream.read()
    except FAILURES as error:
        return because(Code.UNREADABLE, type(error).__name__)
    dataset = read_dataset(BytesIO(data))
    return _doubt(dataset, len(data)) or dataset


def _doubt(dataset: FileDataset, file_bytes: int) -> Reason | None:
    """Why there is no CT image to decode."""
    bits = int(dataset.get("BitsAllocated") or 0)
    if "PixelData" not in dataset:
        return because(Code.CANNOT_DECODE, "no pixel data")
    if bits not in {8, 16, 32}:
        return because(Code.CANNOT_DECODE, f"{bits} bits allocated")
    if int(dataset.get("SamplesPerPixel") or 1) != 1:
        return because(Code.CANNOT_DECODE, "a colour picture, not a CT image")
    frames, rows, columns = _shape(dataset)
    claimed = rows * columns * frames * bits // 8
    if reason := check_matrix(rows, columns, frames) or check_pixels(claimed, file_bytes):
        return reason
    if not _syntax(dataset).is_encapsulated and len(dataset.PixelData) < claimed:
        return because(
            Code.TRUNCATED, f"{len(dataset.PixelData)} of {claimed} bytes of pixels are there"
        )
    return None


def _decode(dataset: FileDataset) -> Pixels | Reason:
    for keyword, default in _ACR_NEMA.items():
        if keyword not in dataset:
            setattr(dataset, keyword, default)
    syntax, shape = _syntax(dataset), _shape(dataset)
    stored = _stored_values(dataset, syntax)
    if isinstance(stored, Reason):
        return stored
    if stored.size != math.prod(shape):
        return because(Code.CANNOT_DECODE, f"{syntax.name}: {stored.shape} is not the matrix")
    return Pixels(
        stored=stored.reshape(shape),
        slope=_number(dataset, "RescaleSlope"),
        intercept=_number(dataset, "RescaleIntercept"),
        padding=_padding(dataset, stored.dtype),
        inverted=dataset.get("PhotometricInterpretation") == "MONOCHROME1",
        bits_stored=int(dataset.get("BitsStored") or dataset.BitsAllocated),
        frames=read_frames(dataset),
    )


def _stored_values(dataset: FileDataset, syntax: UID) -> NDArray[np.integer[Any]] | Reason:
    name = syntax.name if syntax.name != str(syntax) else f"transfer syntax {syntax}"
    if syntax in jpeg12.SYNTAXES and dataset.BitsAllocated == 16:
        try:
            return jpeg12.decode_frames(dataset, syntax)
        except FAILURES as error:
            return because(Code.CANNOT_DECODE, f"{name}: {type(error).__name__}")
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        return because(Code.CANNOT_DECODE, f"{name}: no decoder")
    dataset.file_meta.TransferSyntaxUID = syntax
    available = decoder.available_plugins if syntax.is_encapsulated else ("",)
    error_name = "no decoder installed"
    for plugin in sorted(available, key=_LAST_PLUGINS.__contains__):
        try:
            values, _ = decoder.as_array(dataset, raw=True, decoding_plugin=plugin)
        except FAILURES as error:
            error_name = type(error).__name__
            continue
        return np.asarray(values)
    return because(Code.CANNOT_DECODE, f"{name}: {error_name}")


def _shape(dataset: FileDataset) -> tuple[int, int, int]:
    """Frames, rows and columns as the header claims them."""
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    return int(dataset.get("NumberOfFrames") or 1), rows, columns


def _syntax(dataset: FileDataset) -> UID:
    return UID(dataset.file_meta.get("TransferSyntaxUID") or _implied_syntax(dataset))


def _implied_syntax(dataset: FileDataset) -> str:
    """Transfer syntax of a file without meta header, from how pydicom managed to read it."""
    implicit, little = dataset.original_encoding
    if implicit or implicit is None:
        return str(ImplicitVRLittleEndian)
    return str(ExplicitVRLittleEndian if little else ExplicitVRBigEndian)


def _number(dataset: FileDataset, keyword: str) -> float | None:
    value = dataset.get(keyword)
    return float(value) if value not in (None, "") else None


def _padding(dataset: FileDataset, dtype: np.dtype[Any]) -> tuple[int, int] | None:
    """PixelPaddingValue and its range limit, in the sign of the stored values."""
    value = dataset.get("PixelPaddingValue")
    if value is None:
        return None
    limit = dataset.get("PixelPaddingRangeLimit")
    ends = [_signed(int(end), dtype) for end in (value, limit if limit is not None else value)]
    return min(ends), max(ends)


def _signed(value: int, dtype: np.dtype[Any]) -> int:
    """A 16-bit value that was written with the other sign (US for SS) read as meant."""
    if dtype.kind == "i" and dtype.itemsize == 2 and value > 32767:
        return value - 65536
    if dtype.kind == "u" and dtype.itemsize == 2 and value < 0:
        return value + 65536
    return value
