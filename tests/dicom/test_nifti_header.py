"""A NIfTI file is read only if its header tells left from right, and tells it once."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from ich_cli.dicom.nifti import load_nifti
from ich_cli.dicom.nifti_header import HEADER_BYTES, doubt_of_sides, promised_bytes
from ich_cli.domain import FileRef, NotAnalysable, Volume

CODES, FIRST_ROW = 252, 280
TILTED = (1.0, 0.0, 0.0, 0.0, 0.94, -0.342, 0.0, 0.342, 0.94)
UPSIDE_DOWN = (1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, -1.0)
MIRRORED = (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
SIDEWAYS = (0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)


def _write(path: Path, direction: tuple[float, ...] = UPSIDE_DOWN) -> bytearray:
    noise = np.random.default_rng(0).integers(-1000, 1000, (6, 32, 24)).astype(np.int16)
    image = SimpleITK.GetImageFromArray(noise)
    image.SetSpacing((0.5, 0.6, 5.0))
    image.SetDirection(direction)
    SimpleITK.WriteImage(image, str(path))
    return bytearray(path.read_bytes())


@pytest.mark.parametrize("direction", [TILTED, UPSIDE_DOWN, MIRRORED, SIDEWAYS])
@pytest.mark.parametrize("codes", [(1, 1), (0, 1), (1, 0)])
def test_one_word_is_enough_and_two_may_say_the_same(
    tmp_path: Path, direction: tuple[float, ...], codes: tuple[int, int]
) -> None:
    data = _write(tmp_path / "a.nii", direction)
    struct.pack_into("<2h", data, CODES, *codes)
    assert doubt_of_sides(bytes(data)) == ""


def test_a_header_that_says_nothing_is_no_geometry(tmp_path: Path) -> None:
    data = _write(tmp_path / "a.nii")
    struct.pack_into("<2h", data, CODES, 0, 0)
    _is_refused(tmp_path, data, "neither qform nor sform")


def test_a_header_that_contradicts_itself_is_no_geometry(tmp_path: Path) -> None:
    data = _write(tmp_path / "a.nii")
    (across,) = struct.unpack_from("<f", data, FIRST_ROW)
    struct.pack_into("<f", data, FIRST_ROW, -across)
    _is_refused(tmp_path, data, "contradict each other")


def test_what_is_not_nifti_1_is_left_to_the_library() -> None:
    assert doubt_of_sides(b"short") == doubt_of_sides(bytes(HEADER_BYTES)) == ""
    assert promised_bytes(bytes(HEADER_BYTES)) == 0


def test_the_length_is_that_of_the_file_in_either_byte_order(tmp_path: Path) -> None:
    data = _write(tmp_path / "a.nii")
    assert promised_bytes(bytes(data)) == len(data)
    for offset, kind in ((0, "i"), (40, "8h"), (72, "h"), (108, "f")):
        struct.pack_into(f">{kind}", data, offset, *struct.unpack_from(f"<{kind}", data, offset))
    assert promised_bytes(bytes(data)) == len(data)


def _is_refused(folder: Path, data: bytes | bytearray, words: str) -> None:
    """Changed bytes are a reason; those that the library wrote are a volume."""
    path = folder / "a.nii"
    assert isinstance(load_nifti(FileRef(path)), Volume)
    path.write_bytes(data)
    refused = load_nifti(FileRef(path))
    assert isinstance(refused, NotAnalysable)
    assert refused.reason.code == "no_geometry"
    assert words in refused.reason.detail
