"""Phantoms as DICOM: CT Image Storage with honest geometry, and UIDs that follow the spec."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    RLELossless,
    generate_uid,
)

from ich_cli.errors import OutputError
from ich_cli.phantom.fields import Array
from ich_cli.phantom.grid import Grid
from ich_cli.phantom.spec import Compression, Kernel, Orientation, PhantomSpec

_BY_GDCM: dict[Compression, str] = {
    Compression.JPEG_LS: "JPEGLSLossless",
    Compression.JPEG_2000: "JPEG2000Lossless",
    Compression.JPEG_LOSSLESS: "JPEGLosslessProcess14_1",
}
INTERCEPT = -1024.0
_DATE, _TIME = "20000101", "120000"


@dataclass(frozen=True, slots=True)
class SeriesIds:
    """The identifiers of one series of a study."""

    study_uid: str
    series_uid: str
    frame_uid: str
    number: int
    description: str


def series_ids(spec: PhantomSpec, number: int, description: str) -> SeriesIds:
    """Identifiers that are the same whenever the spec is."""
    study = generate_uid(entropy_srcs=["study", repr(spec)])
    series = generate_uid(entropy_srcs=["series", str(number), repr(spec)])
    frame = generate_uid(entropy_srcs=["frame", repr(spec)])
    return SeriesIds(study, series, frame, number, description)


def axial_datasets(
    hu: Array, grid: Grid, spec: PhantomSpec, ids: SeriesIds
) -> Iterator[pydicom.FileDataset]:
    """The slices of a stack as DICOM objects, in order of their Instance Number.

    Args:
        hu: ``(z, y, x)`` in canonical LPS order.
        grid: Where its voxels are.
        spec: Orientation, compression, kernel and the like.
        ids: Identifiers.
    """
    flip_x = spec.mirror != (spec.orientation is Orientation.HFP)
    flip_y = spec.orientation is Orientation.HFP
    pixels = np.rint(hu - INTERCEPT).astype(np.uint16)
    pixels = pixels[:, :: -1 if flip_y else 1, :: -1 if flip_x else 1]
    row = np.array([-1.0 if flip_x else 1.0, 0.0, 0.0])
    column = np.array(grid.column_direction) * (-1.0 if flip_y else 1.0)
    reach = (grid.matrix - 1) * grid.pixel_mm
    corners = grid.positions_mm - flip_x * reach * row - flip_y * reach * column
    order = range(grid.n)
    for number, k in enumerate(order if spec.orientation is Orientation.HFS else reversed(order)):
        ds = _base(spec, ids, number + 1)
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.ImageOrientationPatient = [_ds(v) for v in (*row, *column)]
        ds.ImagePositionPatient = [_ds(v) for v in corners[k]]
        ds.SliceLocation = _ds(grid.centres_mm[k])
        ds.SliceThickness = _ds(grid.thickness_mm)
        ds.GantryDetectorTilt = _ds(grid.tilt_deg)
        ds.PixelSpacing = [_ds(grid.pixel_mm)] * 2
        _set_pixels(ds, np.ascontiguousarray(pixels[k]), spec.compression)
        yield ds


def localizer_dataset(
    hu: Array, grid: Grid, spec: PhantomSpec, ids: SeriesIds
) -> pydicom.FileDataset:
    """A side view: what the rays add up to, one row a slice."""
    rays = np.clip(hu + 1000, 0, None).mean(axis=2)[::-1] - 1000
    rows = max(64, round(grid.n * grid.spacing_mm[0] / grid.pixel_mm))
    at = np.linspace(0, grid.n - 1, rows)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, grid.n - 1)
    part = (at - low)[:, None]
    image = rays[low] * (1 - part) + rays[high] * part
    ds = _base(spec, ids, 1)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    ds.ImageOrientationPatient = [_ds(v) for v in (0, 1, 0, 0, 0, -1)]
    x, y, z = 0.0, grid.positions_mm[-1][1], grid.centres_mm[-1]
    ds.ImagePositionPatient = [_ds(v) for v in (x, y, z)]
    ds.SliceThickness = _ds(grid.matrix * grid.pixel_mm)
    ds.PixelSpacing = [_ds(grid.spacing_mm[0] * (grid.n - 1) / (rows - 1)), _ds(grid.pixel_mm)]
    _set_pixels(ds, np.rint(image - INTERCEPT).astype(np.uint16), spec.compression)
    return ds


def save(ds: pydicom.FileDataset, path: Path, compression: Compression) -> None:
    """Write one object as a DICOM file with preamble and file meta information.

    Raises:
        OutputError: The file cannot be written.
    """
    try:
        ds.save_as(path, enforce_file_format=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(f"cannot write {path}: {reason}; choose another folder") from error
    if compression in _BY_GDCM:
        _transcode(path, _BY_GDCM[compression])


def _transcode(path: Path, syntax: str) -> None:
    """Compress a file's pixels in place, losslessly, with GDCM."""
    import gdcm

    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, syntax)))
    writer = gdcm.ImageWriter()
    part = path.with_suffix(".part")
    writer.SetFileName(str(part))
    if reader.Read():
        change.SetInput(reader.GetImage())
        if change.Change():
            writer.SetFile(reader.GetFile())
            writer.SetImage(change.GetOutput())
            if writer.Write():
                part.replace(path)
                return
    raise OutputError(f"cannot compress {path} as {syntax}; check the free space, or use none")


def _ds(value: float) -> str:
    """A decimal string of at most 16 characters."""
    return f"{round(float(value), 6) + 0.0:.10g}"


def _base(spec: PhantomSpec, ids: SeriesIds, number: int) -> pydicom.FileDataset:
    sop_uid = generate_uid(entropy_srcs=[ids.series_uid, str(number)])
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = sop_uid
    meta.TransferSyntaxUID = (
        DeflatedExplicitVRLittleEndian
        if spec.compression is Compression.DEFLATED
        else ExplicitVRLittleEndian
    )
    ds = pydicom.FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    bone = spec.kernel is Kernel.BONE
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, sop_uid
    ds.StudyInstanceUID, ds.SeriesInstanceUID = ids.study_uid, ids.series_uid
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = ids.frame_uid, ""
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = _DATE
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = _TIME
    ds.Modality, ds.Manufacturer, ds.ManufacturerModelName = "CT", "ich", "analytic phantom"
    ds.AccessionNumber = ds.ReferringPhysicianName = ds.PatientBirthDate = ds.PatientSex = ""
    ds.PatientName, ds.PatientID = "Phantom^Head", f"PHANTOM-{spec.seed:06d}"
    ds.StudyID, ds.StudyDescription = str(spec.seed), "Head phantom, not a patient"
    ds.SeriesNumber, ds.SeriesDescription = ids.number, ids.description
    ds.BodyPartExamined, ds.PatientPosition = "HEAD", spec.orientation.value
    ds.ProtocolName, ds.AcquisitionNumber = "Head", ids.number
    ds.KVP, ds.ConvolutionKernel = _ds(spec.kvp), "BONE" if bone else "BRAIN"
    ds.InstanceNumber = number
    ds.WindowCenter, ds.WindowWidth = ("500", "2500") if bone else ("40", "80")
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = _ds(INTERCEPT), "1", "HU"
    ds.BurnedInAnnotation = "NO"
    return ds


def _set_pixels(ds: pydicom.FileDataset, pixels: NDArray[np.uint16], how: Compression) -> None:
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = pixels.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PixelData = pixels.astype("<u2").tobytes()
    ds["PixelData"].VR = "OW"
    if how is Compression.RLE:
        ds.compress(RLELossless, generate_instance_uid=False)
