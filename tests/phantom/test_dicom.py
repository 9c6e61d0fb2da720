"""What another program reads from the phantom's files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import CTImageStorage

from ich_cli.domain import Side, Subtype
from ich_cli.phantom.head import make_head
from ich_cli.phantom.spec import Bleed, Compression, Orientation, PhantomSpec
from ich_cli.phantom.study import write_study

SPEC = PhantomSpec(seed=21, matrix=96, slices=5)


def read(folder: Path) -> list[pydicom.FileDataset]:
    return [pydicom.dcmread(path) for path in sorted(folder.glob("axial/*.dcm"))]


def hu_of(ds: pydicom.FileDataset) -> np.ndarray:
    return ds.pixel_array * float(ds.RescaleSlope) + float(ds.RescaleIntercept)


def positions(ds: pydicom.FileDataset) -> np.ndarray:
    """LPS of every pixel centre, (row, column, 3)."""
    iop = np.array(ds.ImageOrientationPatient, float)
    rows, columns = np.mgrid[: ds.Rows, : ds.Columns]
    dy, dx = (float(v) for v in ds.PixelSpacing)
    origin = np.array(ds.ImagePositionPatient, float)
    return origin + columns[..., None] * dx * iop[:3] + rows[..., None] * dy * iop[3:]


def test_objects_are_ct_image_storage_with_meta_information(tmp_path: Path) -> None:
    truth = write_study(SPEC, tmp_path)
    slices = read(truth.folder)
    assert len(slices) == 5 == truth.n_files
    for number, ds in enumerate(slices, start=1):
        assert ds.SOPClassUID == ds.file_meta.MediaStorageSOPClassUID == CTImageStorage
        assert ds.SOPInstanceUID == ds.file_meta.MediaStorageSOPInstanceUID
        assert ds.SOPInstanceUID.is_valid
        assert ds.StudyInstanceUID == truth.study_uid
        assert ds.SeriesInstanceUID == truth.series_uid
        assert (ds.InstanceNumber, ds.Modality, float(ds.KVP)) == (number, "CT", 120.0)
        assert ds.preamble == b"\0" * 128
    assert len({ds.SOPInstanceUID for ds in slices}) == 5


def test_pixels_come_back_as_the_same_hounsfield_units(tmp_path: Path) -> None:
    truth = write_study(SPEC, tmp_path)
    hu = make_head(SPEC).hu
    for k, ds in enumerate(read(truth.folder)):
        assert np.abs(hu_of(ds) - hu[k]).max() <= 1.0


@pytest.mark.parametrize("compression", list(Compression))
def test_every_transfer_syntax_keeps_every_pixel(tmp_path: Path, compression: Compression) -> None:
    spec = PhantomSpec(seed=21, matrix=64, slices=2, compression=compression)
    slices = read(write_study(spec, tmp_path).folder)
    hu = make_head(spec).hu
    expected = {
        Compression.NONE: "1.2.840.10008.1.2.1",
        Compression.RLE: "1.2.840.10008.1.2.5",
        Compression.JPEG_LS: "1.2.840.10008.1.2.4.80",
        Compression.JPEG_2000: "1.2.840.10008.1.2.4.90",
        Compression.JPEG_LOSSLESS: "1.2.840.10008.1.2.4.70",
        Compression.DEFLATED: "1.2.840.10008.1.2.1.99",
    }
    for k, ds in enumerate(slices):
        assert ds.file_meta.TransferSyntaxUID == expected[compression]
        assert np.abs(hu_of(ds) - hu[k]).max() <= 0.5


@pytest.mark.parametrize("orientation", list(Orientation))
@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("tilt", [0.0, 10.0])
def test_blood_lies_at_the_same_place_in_the_patient_however_it_is_stored(
    tmp_path: Path, orientation: Orientation, mirror: bool, tilt: float
) -> None:
    spec = PhantomSpec(
        seed=22,
        bleeds=(Bleed(Subtype.IPH, 30, Side.LEFT),),
        matrix=64,
        slices=14,
        noise_hu=0,
        tilt_deg=tilt,
        orientation=orientation,
        mirror=mirror,
    )
    found = []
    for ds in read(write_study(spec, tmp_path).folder):
        where = positions(ds)
        dense = (hu_of(ds) > 55) & (hu_of(ds) < 80)
        near = np.linalg.norm(where - np.array([27, -6, 5]), axis=-1) < 32
        found.append(where[dense & near])
    centre = np.concatenate(found).mean(axis=0)
    assert np.allclose(centre, [27, -6, 5], atol=9)
    assert centre[0] > 15  # left is positive x


def test_slices_are_one_spacing_apart_along_the_normal(tmp_path: Path) -> None:
    spec = PhantomSpec(seed=23, matrix=64, slices=6, tilt_deg=8.0, spacing_mm=(4.0,))
    slices = read(write_study(spec, tmp_path).folder)
    iop = np.array(slices[0].ImageOrientationPatient, float)
    normal = np.cross(iop[:3], iop[3:])
    along = [np.dot(np.array(ds.ImagePositionPatient, float), normal) for ds in slices]
    assert np.allclose(np.diff(along), 4.0, atol=1e-4)
    tilt = np.rad2deg(np.arccos(normal[2]))
    assert tilt == pytest.approx(8.0, abs=1e-3)


def test_feet_first_numbers_the_slices_the_other_way(tmp_path: Path) -> None:
    spec = PhantomSpec(seed=24, matrix=64, slices=4, orientation=Orientation.FFS)
    slices = read(write_study(spec, tmp_path).folder)
    heights = [float(ds.ImagePositionPatient[2]) for ds in slices]
    assert heights == sorted(heights, reverse=True)
    assert slices[0].PatientPosition == "FFS"


def test_same_spec_same_bytes(tmp_path: Path) -> None:
    first = write_study(SPEC, tmp_path / "a")
    second = write_study(SPEC, tmp_path / "b")
    for one, two in zip(
        sorted(first.folder.rglob("*.dcm")), sorted(second.folder.rglob("*.dcm")), strict=True
    ):
        assert one.read_bytes() == two.read_bytes()


def test_other_seed_other_identifiers(tmp_path: Path) -> None:
    one = write_study(PhantomSpec(seed=1, matrix=64, slices=2), tmp_path)
    two = write_study(PhantomSpec(seed=2, matrix=64, slices=2), tmp_path)
    assert one.study_uid != two.study_uid
    assert one.series_uid != two.series_uid
