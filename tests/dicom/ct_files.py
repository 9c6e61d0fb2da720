"""Small CT files and headers to test with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from ich_cli.domain import FileRef, Instance, Series

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
ROWS, COLUMNS = 12, 16


def ct_dataset(*, stored: np.ndarray | None = None, **changes: Any) -> Dataset:
    """A CT slice whose stored values are HU + 1024; ``None`` removes an element."""
    pixels = np.full((ROWS, COLUMNS), 1054, np.int16) if stored is None else stored
    ds = Dataset()
    ds.SOPClassUID = CTImageStorage
    ds.SOPInstanceUID = generate_uid()
    ds.StudyInstanceUID = "1.2.3"
    ds.SeriesInstanceUID = "1.2.3.4"
    ds.Modality = "CT"
    ds.PatientID = "P1"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.ImagePositionPatient = [0.0, 0.0, 0.0]
    ds.ImageOrientationPatient = list(AXIAL)
    ds.PixelSpacing = [0.5, 0.5]
    ds.SliceThickness = 5.0
    ds.KVP = 120
    ds.RescaleSlope = 1
    ds.RescaleIntercept = -1024
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows, ds.Columns = pixels.shape[-2:]
    ds.BitsAllocated = pixels.dtype.itemsize * 8
    ds.BitsStored = ds.BitsAllocated
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    ds.PixelData = pixels.tobytes()
    for keyword, value in changes.items():
        if value is None:
            del ds[keyword]
        else:
            setattr(ds, keyword, value)
    return ds


def write(ds: Dataset, path: Path, syntax: str = ExplicitVRLittleEndian) -> Path:
    """Save as a DICOM file with preamble and meta header."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    return path


def write_ct(path: Path, *, stored: np.ndarray | None = None, **changes: Any) -> Path:
    """Save one CT slice."""
    return write(ct_dataset(stored=stored, **changes), path)


def write_stack(
    folder: Path, places: Sequence[float], *, hu: Sequence[int] | None = None, **changes: Any
) -> list[Path]:
    """Save axial slices at heights ``places``; slice ``i`` is filled with ``hu[i]``."""
    values = hu if hu is not None else range(len(places))
    return [
        write_ct(
            folder / f"{index:03d}.dcm",
            stored=np.full((ROWS, COLUMNS), value + 1024, np.int16),
            ImagePositionPatient=[0.0, 0.0, float(place)],
            **changes,
        )
        for index, (place, value) in enumerate(zip(places, values, strict=True))
    ]


def instance(name: str = "a", z: float = 0.0, **changes: Any) -> Instance:
    """The header of an axial head CT slice."""
    base = Instance(
        file=FileRef(Path(f"{name}.dcm")),
        sop_uid=name,
        study_uid="study",
        series_uid="series",
        modality="CT",
        sop_class_uid=str(CTImageStorage),
        transfer_syntax_uid=str(ExplicitVRLittleEndian),
        image_type=("ORIGINAL", "PRIMARY", "AXIAL"),
        rows=512,
        columns=512,
        position_mm=(0.0, 0.0, z),
        orientation=AXIAL,
        pixel_spacing_mm=(0.5, 0.5),
        slice_thickness_mm=5.0,
        kvp=120.0,
    )
    return replace(base, **changes)


def series(uid: str = "series", *, n: int = 30, step: float = 5.0, **changes: Any) -> Series:
    """Headers of a stack; ``changes`` apply to every slice."""
    study = changes.pop("study_uid", "study")
    slices = tuple(
        instance(f"{uid}-{i}", i * step, series_uid=uid, study_uid=study, **changes)
        for i in range(n)
    )
    return Series(study, uid, 0, slices)


def transcode(source: Path, target: Path, syntax: str) -> Path:
    """Compress a file losslessly with gdcm, ``syntax`` being gdcm's name of it."""
    reader = gdcm.ImageReader()
    reader.SetFileName(str(source))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, syntax)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(target))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    return target
