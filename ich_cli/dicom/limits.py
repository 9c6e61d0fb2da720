"""Bounds on what a file may claim, so that a hostile or damaged one costs little."""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import BinaryIO

from pydicom.errors import BytesLengthException, InvalidDicomError

from ich_cli.dicom.codes import Code, because
from ich_cli.domain import Reason

MIB = 1 << 20
MAX_SIDE = 8192
"""Rows or columns of an image; scanners write 512, the largest detectors 4096."""
MAX_FRAMES = 20_000
MAX_PIXEL_BYTES = 4096 * MIB
"""Decoded pixels of one file."""
MAX_PIXEL_RATIO = 2000
"""Decoded over encoded bytes; a blank JPEG 2000 slice reaches some hundreds."""
RATIO_FREE_BYTES = 64 * MIB
"""Below this size no ratio is absurd: blank slices compress a thousandfold."""
MAX_INFLATED_BYTES = 2048 * MIB
"""A deflated data set, or one member of an archive."""

DEFLATED = b"1.2.840.10008.1.2.1.99"
HEAD_BYTES = 1024

FAILURES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    BytesLengthException,
    InvalidDicomError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What pydicom, gdcm and zipfile raise on damaged bytes."""


def check_matrix(rows: int, columns: int, frames: int) -> Reason | None:
    """Refuse a matrix no scanner makes, before anything is allocated for it."""
    if not (0 < rows <= MAX_SIDE and 0 < columns <= MAX_SIDE and 0 < frames <= MAX_FRAMES):
        return because(Code.TOO_LARGE, f"claims {frames} frames of {rows} × {columns}")
    return None


def check_pixels(claimed_bytes: int, encoded_bytes: int) -> Reason | None:
    """Refuse pixels that are absurd in size, or beside the bytes that encode them."""
    if claimed_bytes > MAX_PIXEL_BYTES:
        return because(Code.TOO_LARGE, f"claims {claimed_bytes // MIB} MiB of pixels")
    if claimed_bytes > max(RATIO_FREE_BYTES, MAX_PIXEL_RATIO * encoded_bytes):
        return because(
            Code.TOO_LARGE, f"claims {claimed_bytes // MIB} MiB of pixels in {encoded_bytes} bytes"
        )
    return None


def check_deflated(stream: BinaryIO) -> Reason | None:
    """Refuse a deflated data set that would inflate beyond bounds.

    The stream is rewound. Files in other transfer syntaxes pass at once.
    """
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    if DEFLATED not in head or head[132:136] != b"\x02\x00\x00\x00":
        return None
    start = 144 + int(struct.unpack_from("<I", head, 140)[0])
    stream.seek(start)
    inflater, total = zlib.decompressobj(-zlib.MAX_WBITS), 0
    try:
        while chunk := stream.read(64 * 1024):
            while chunk:
                total += len(inflater.decompress(chunk, MIB))
                chunk = inflater.unconsumed_tail
                if total > MAX_INFLATED_BYTES:
                    return because(Code.TOO_LARGE, "deflated data set inflates beyond bounds")
    except zlib.error:
        return None
    finally:
        stream.seek(0)
    return None
