from __future__ import annotations

import pickle
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from ich_cli.dicom.decode import Pixels, decode
from ich_cli.domain import FileRef, Reason
from tests.dicom.ct_files import ct_dataset, transcode, write, write_ct

NOISE = np.random.default_rng(0).integers(-1000, 2000, (64, 48)).astype(np.int16)

DCMTK = {
    "RLE": ["dcmcrle"],
    "JPEG-LS lossless": ["dcmcjpls", "+el"],
    "JPEG lossless SV1": ["dcmcjpeg", "+e1"],
    "JPEG lossless": ["dcmcjpeg", "+el"],
    "deflated": ["dcmconv", "+td"],
    "big endian": ["dcmconv", "+tb"],
    "implicit": ["dcmconv", "+ti"],
}


def decoded(path: Path) -> Pixels:
    pixels = decode(FileRef(path))
    assert isinstance(pixels, Pixels), pixels
    return pixels


def refused(path: Path) -> Reason:
    reason = decode(FileRef(path))
    assert isinstance(reason, Reason)
    return reason


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=lambda uid: uid.name
)
@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.uint8])
def test_uncompressed_values_come_back(tmp_path, syntax, dtype):
    stored = np.arange(12 * 16).reshape(12, 16).astype(dtype)
    pixels = decoded(write(ct_dataset(stored=stored), tmp_path / "a.dcm", syntax))
    np.testing.assert_array_equal(pixels.stored[0], stored)
    assert (pixels.slope, pixels.intercept) == (1, -1024)


def test_big_endian_values_come_back(tmp_path):
    ds = ct_dataset(stored=NOISE)
    ds.PixelData = NOISE.astype(">i2").tobytes()
    pixels = decoded(write(ds, tmp_path / "a.dcm", ExplicitVRBigEndian))
    np.testing.assert_array_equal(pixels.stored[0], NOISE)


@pytest.mark.parametrize(
    "syntax",
    [
        "JPEG2000Lossless",
        "JPEGLSLossless",
        "JPEGLosslessProcess14",
        "JPEGLosslessProcess14_1",
        "RLELossless",
    ],
)
@pytest.mark.parametrize("signed", [True, False])
def test_lossless_compression_changes_nothing(tmp_path, syntax, signed):
    stored = NOISE if signed else (NOISE + 1000).astype(np.uint16)
    path = write(ct_dataset(stored=stored), tmp_path / "source.dcm")
    pixels = decoded(transcode(path, tmp_path / "a.dcm", syntax))
    np.testing.assert_array_equal(pixels.stored[0], stored)


@pytest.mark.parametrize("name", DCMTK)
def test_what_dcmtk_writes_is_read(tmp_path, name):
    command = DCMTK[name]
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {command[0]} of dcmtk")
    source = write(ct_dataset(stored=NOISE), tmp_path / "source.dcm")
    subprocess.run([*command, source, tmp_path / "a.dcm"], check=True, capture_output=True)
    pixels = decoded(tmp_path / "a.dcm")
    np.testing.assert_array_equal(pixels.stored[0], NOISE)


def test_a_member_of_an_archive_is_decoded_in_place(tmp_path):
    path = write(ct_dataset(stored=NOISE), tmp_path / "a.dcm")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(path, "x/a.dcm")
    pixels = decode(FileRef(tmp_path / "a.zip", "x/a.dcm"))
    assert isinstance(pixels, Pixels)
    np.testing.assert_array_equal(pixels.stored[0], NOISE)


def test_what_goes_in_and_comes_out_can_be_sent_to_a_worker(tmp_path):
    path = write_ct(tmp_path / "a.dcm")
    task = pickle.loads(pickle.dumps((decode, FileRef(path))))
    pixels = pickle.loads(pickle.dumps(task[0](task[1])))
    assert pixels.stored.shape == (1, 12, 16)


def test_a_syntax_without_decoder_is_named(tmp_path):
    ds = ct_dataset()
    ds.PixelData = b"\xfe\xff\x00\xe0" + bytes(4) + b"\xfe\xff\xdd\xe0" + bytes(4)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    path = write(ds, tmp_path / "b.dcm", "1.2.840.10008.1.2.4.100")
    reason = refused(path)
    assert reason.code == "cannot_decode"
    assert "MPEG2" in reason.detail


def test_damaged_compressed_pixels_name_their_syntax(tmp_path):
    source = write(ct_dataset(stored=NOISE), tmp_path / "source.dcm")
    path = transcode(source, tmp_path / "a.dcm", "JPEG2000Lossless")
    data = bytearray(path.read_bytes())
    at = data.index(b"\xff\x4f\xff\x51")
    data[at : at + 60] = bytes(60)
    path.write_bytes(data)
    reason = refused(path)
    assert reason.code == "cannot_decode"
    assert "JPEG 2000" in reason.detail


def test_truncated_pixels_are_said_to_be(tmp_path):
    path = write_ct(tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes()[:-10])
    assert refused(path).code == "truncated"


def test_no_pixels_and_colour_are_refused(tmp_path):
    assert refused(write_ct(tmp_path / "a.dcm", PixelData=None)).code == "cannot_decode"
    assert "colour" in refused(write_ct(tmp_path / "b.dcm", SamplesPerPixel=3)).detail


def test_absurd_claims_are_refused_before_memory_is_taken(tmp_path):
    ds = ct_dataset(Rows=8000, Columns=8000, NumberOfFrames=15_000)
    assert refused(write(ds, tmp_path / "a.dcm")).code == "too_large"


def test_padding_is_read_with_the_sign_of_the_pixels(tmp_path):
    ds = ct_dataset(stored=NOISE)
    ds.add_new(0x00280120, "US", 63536)
    assert decoded(write(ds, tmp_path / "a.dcm")).padding == (-2000, -2000)


def test_every_cut_and_every_flipped_byte_ends_in_pixels_or_a_reason(tmp_path):
    whole = write_ct(tmp_path / "a.dcm").read_bytes()
    path = tmp_path / "b.dcm"
    random = np.random.default_rng(1)
    for _ in range(150):
        data = bytearray(whole)
        for at in random.integers(132, len(data), 3):
            data[at] = random.integers(0, 256)
        path.write_bytes(data[: random.integers(100, len(data))])
        assert isinstance(decode(FileRef(path)), (Pixels, Reason))
