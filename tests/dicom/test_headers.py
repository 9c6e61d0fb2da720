from __future__ import annotations

import zlib
from datetime import datetime
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from ich_cli.dicom.headers import looks_like_dicom, read_header
from ich_cli.domain import FileRef, Instance, Reason
from tests.dicom.ct_files import ct_dataset, write, write_ct


def read(path: Path) -> Instance:
    header = read_header(FileRef(path))
    assert isinstance(header, Instance), header
    return header


def refused(path: Path) -> str:
    header = read_header(FileRef(path))
    assert isinstance(header, Reason)
    return header.code


@pytest.mark.parametrize(
    "syntax",
    [
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
    ],
    ids=lambda syntax: syntax.name,
)
def test_every_encoding_gives_the_same_facts(tmp_path, syntax):
    ds = ct_dataset(
        ImagePositionPatient=[-1.5, 2.0, 3.25],
        ConvolutionKernel="H30s",
        ContrastBolusAgent="NONE",
        PatientAge="071Y",
        AcquisitionNumber=4,
        AcquisitionDate="20240131",
        AcquisitionTime="220510.5",
        SeriesTime="235959",
        ContentTime="235959",
    )
    header = read(write(ds, tmp_path / "a", syntax))
    assert header.acquired == datetime(2024, 1, 31, 22, 5, 10)
    assert (header.rows, header.columns, header.frames) == (12, 16, 1)
    assert header.position_mm == (-1.5, 2.0, 3.25)
    assert header.orientation == (1, 0, 0, 0, 1, 0)
    assert header.pixel_spacing_mm == (0.5, 0.5)
    assert (header.kvp, header.slice_thickness_mm, header.acquisition_number) == (120, 5, 4)
    assert (header.kernel, header.contrast_agent) == ("H30s", "NONE")
    assert header.image_type == ("ORIGINAL", "PRIMARY", "AXIAL")
    assert header.transfer_syntax_uid == syntax
    assert header.tags["PatientAge"] == "071Y"


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_a_file_without_preamble_and_meta_header_is_read(tmp_path, syntax):
    path = write(ct_dataset(), tmp_path / "whole.dcm", syntax)
    meta_length = int.from_bytes(path.read_bytes()[140:144], "little")
    bare = tmp_path / "bare"
    bare.write_bytes(path.read_bytes()[144 + meta_length :])
    assert read(bare).sop_uid == read(path).sop_uid


def test_missing_tags_are_none_not_zero(tmp_path):
    path = write_ct(
        tmp_path / "a.dcm",
        SliceThickness=None,
        KVP=None,
        ImagePositionPatient=None,
        ImageOrientationPatient=None,
    )
    header = read(path)
    assert header.acquisition_number is None
    assert header.acquired is None
    assert header.slice_thickness_mm is None
    assert header.kvp is None
    assert header.position_mm is None
    assert header.orientation is None


@pytest.mark.parametrize("keyword", ["KVP", "SliceThickness"])
def test_zero_is_not_a_voltage_or_a_thickness(tmp_path, keyword):
    header = read(write_ct(tmp_path / "a.dcm", **{keyword: 0}))
    assert header.kvp is None or header.slice_thickness_mm is None


def test_an_orientation_that_is_none_is_not_believed(tmp_path):
    header = read(write_ct(tmp_path / "a.dcm", ImageOrientationPatient=[1, 0, 0, 1, 0, 0]))
    assert header.orientation is None


def test_numbers_that_are_no_numbers_are_unknown(tmp_path):
    path = write_ct(tmp_path / "a.dcm", SliceThickness=7)
    data = path.read_bytes()
    at = data.index(b"\x18\x00\x50\x00DS") + 8
    path.write_bytes(data[:at] + b"x" + data[at + 1 :])
    assert read(path).slice_thickness_mm is None


def test_text_is_decoded_by_its_character_set(tmp_path):
    path = write_ct(
        tmp_path / "a.dcm", SpecificCharacterSet="ISO_IR 100", SeriesDescription="Schädel"
    )
    assert read(path).series_description == "Schädel"


def test_a_long_header_is_read_to_its_end(tmp_path):
    path = write_ct(tmp_path / "a.dcm", ImageComments="x" * 10_000, PatientComments="y" * 60_000)
    assert read(path).rows == 12


def test_what_is_no_image_is_said(tmp_path):
    report = ct_dataset(Modality="SR", Rows=None, Columns=None, PixelData=None)
    assert refused(write(report, tmp_path / "a.dcm")) == "not_image"


def test_a_dicomdir_is_told_apart(tmp_path):
    index = Dataset()
    index.SOPClassUID = "1.2.840.10008.1.3.10"
    index.SOPInstanceUID = "1.2.3"
    write(index, tmp_path / "DICOMDIR")
    assert refused(tmp_path / "DICOMDIR") == "dicomdir"


def test_other_files_are_not_dicom(tmp_path):
    (tmp_path / "a.txt").write_text("The quick brown fox jumps over the lazy dog. " * 20)
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500))
    (tmp_path / "c").write_bytes(bytes(4000))
    assert {refused(path) for path in tmp_path.iterdir()} == {"not_dicom"}


def test_a_missing_file_is_unreadable(tmp_path):
    assert refused(tmp_path / "gone.dcm") == "unreadable"


def test_an_absurd_matrix_is_refused(tmp_path):
    assert refused(write_ct(tmp_path / "a.dcm", Rows=65535)) == "too_large"
    assert refused(write_ct(tmp_path / "b.dcm", NumberOfFrames=2_000_000)) == "too_large"


def test_a_deflate_bomb_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr("ich_cli.dicom.limits.MAX_INFLATED_BYTES", 4 << 20)
    path = write(ct_dataset(), tmp_path / "a.dcm", DeflatedExplicitVRLittleEndian)
    meta = path.read_bytes()[: 144 + int.from_bytes(path.read_bytes()[140:144], "little")]
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    path.write_bytes(meta + squeeze.compress(bytes(16 << 20)) + squeeze.flush())
    assert refused(path) == "too_large"


def test_every_truncation_ends_in_a_header_or_a_reason(tmp_path):
    whole = write_ct(tmp_path / "a.dcm").read_bytes()
    path = tmp_path / "cut.dcm"
    for length in range(0, len(whole), 23):
        path.write_bytes(whole[:length])
        assert isinstance(read_header(FileRef(path)), (Instance, Reason))


def test_preambles_and_first_elements_tell_dicom():
    assert looks_like_dicom(bytes(128) + b"DICM" + bytes(50))
    assert looks_like_dicom(b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100" + bytes(20))
    assert looks_like_dicom(b"\x00\x08\x00\x05CS\x00\x0aISO_IR 100" + bytes(20))
    assert not looks_like_dicom(b"\x08\x00\x05\x00\xff\xff\xff\x7f" + bytes(50))
    assert not looks_like_dicom(b"MZ" + bytes(300))
