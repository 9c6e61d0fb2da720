"""Small DICOM files in the layout of the RSNA 2019 challenge."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

SIDE = 64
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def disc(hu: float) -> np.ndarray:
    """A round head of one density in air."""
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    return np.where(np.hypot(y, x) < SIDE / 3, hu, -1000.0)


def write_slice(
    folder: Path,
    name: str,
    z_mm: float | None,
    *,
    patient: str = "ID_a",
    series: str = "1.2.1",
    hu: np.ndarray | None = None,
    orientation: tuple[float, ...] = AXIAL,
    intercept: float = -1024,
) -> Path:
    """One slice; without ``z_mm`` it does not say where it lies."""
    data = pydicom.Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = CTImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    data.SOPInstanceUID = "1.2.3"
    data.PatientID = patient
    data.StudyInstanceUID, data.SeriesInstanceUID = "1.2", series
    if z_mm is not None:
        data.ImagePositionPatient = [-125, -125, z_mm]
        data.ImageOrientationPatient = list(orientation)
    data.PixelSpacing = [4.0, 4.0]
    pixels = disc(40.0) if hu is None else hu
    data.Rows, data.Columns = pixels.shape
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
    data.PixelRepresentation = 0
    data.RescaleIntercept, data.RescaleSlope = intercept, 1
    data.PixelData = (np.round(pixels - intercept).astype(int) % 4096).astype("<u2").tobytes()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.dcm"
    data.save_as(path, enforce_file_format=True)
    return path


def write_labels(path: Path, labels: dict[str, tuple[int, int, int, int, int]]) -> None:
    """Labels as handed out: epidural, intraparenchymal, …, subdural, any; one a row."""
    kinds = ("epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural")
    with path.open("w", newline="") as lines:
        table = csv.writer(lines)
        table.writerow(["ID", "Label"])
        for name, values in labels.items():
            for kind, value in zip(kinds, values, strict=True):
                table.writerow([f"{name}_{kind}", value])
            table.writerow([f"{name}_any", max(values)])
