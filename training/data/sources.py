"""The labelled slices of every training source, in one form.

Each reader yields stacks: slices of one patient in order base → vertex, in Hounsfield
units clipped to 0…80 (all that the 8-bit sources hold). A lone slice is a stack of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pydicom

LABEL_COLUMNS = ("any", "edh", "iph", "ivh", "sah", "sdh")
UNKNOWN = -1
"""Label value for: nobody said."""

BONE_WINDOW = frozenset({"ID_47c209888", "ID_f2ebfb7e8", "ID_664f3e0ae", "ID_c7abd1137"})
"""Slices of ``rsna_slices`` that are stored in a bone window: no blood can be seen in them."""


@dataclass
class LabelledSlice:
    """One slice: ``hu`` ``(y, x)`` float32 in 0…80; ``labels`` ``(6,)`` of 1, 0 or UNKNOWN.

    ``mask`` is ``(y, x)`` uint8 with bit *k* set where label *k* bleeds, or None.
    ``boxes`` are ``(label, cx, cy, w, h)`` as fractions of the picture.
    """

    name: str
    hu: np.ndarray
    labels: np.ndarray
    mask: np.ndarray | None = None
    boxes: list[tuple[int, float, float, float, float]] = field(default_factory=list)


@dataclass
class Stack:
    """Slices of one patient in order; ``pixel_mm`` is a guess where nobody knows it."""

    source: str
    patient: str
    pixel_mm: float
    slices: list[LabelledSlice]


def rsna_slices(root: Path) -> Iterator[Stack]:
    for row in _rows(root):
        if Path(row.file).stem in BONE_WINDOW:
            continue
        hu = _picture(root / row.file, 80.0, 0.0)
        item = LabelledSlice(Path(row.file).stem, hu, _labels(row))
        yield Stack("rsna_slices", _patient(row), 0.78, [item])


def rsna_boxes(root: Path) -> Iterator[Stack]:
    for row in _rows(root):
        hu = _picture(root / row.file, 80.0, 0.0)
        item = LabelledSlice(Path(row.file).stem, hu, _labels(row), boxes=_boxes(row.boxes))
        yield Stack("rsna_boxes", _patient(row), 0.78, [item])


def rsna_dicom_slices(root: Path) -> Iterator[Stack]:
    for row in _rows(root):
        hu, pixel_mm = _dicom(root / "images" / Path(row.file).name)
        item = LabelledSlice(Path(row.file).stem, hu, _labels(row))
        yield Stack("rsna_dicom_slices", _patient(row), pixel_mm, [item])


def rsna_hu_slices(root: Path) -> Iterator[Stack]:
    for row in _rows(root):
        hu = np.load(root / row.file)["hu"].astype(np.float32).clip(0, 80)
        item = LabelledSlice(Path(row.file).stem, hu, _labels(row))
        yield Stack("rsna_hu_slices", _patient(row), float(row.pixel_mm), [item])


def rsna_scans(root: Path) -> Iterator[Stack]:
    table = pd.read_csv(root / "labels.csv")
    for patient, rows in table.groupby("patient"):
        slices = []
        pixel_mm = 0.49
        for row in rows.sort_values("index").itertuples():
            hu, pixel_mm = _dicom(root / row.file)
            slices.append(LabelledSlice(Path(row.file).stem, hu, _labels(row)))
        yield Stack("rsna_scans", str(patient), pixel_mm, slices)


def ctich(root: Path) -> Iterator[Stack]:
    table = pd.read_csv(root / "labels.csv")
    for patient, rows in table.groupby("patient"):
        slices = []
        for row in rows.sort_values("slice").itertuples():
            hu = _picture(root / row.file, 120.0, -20.0)
            labels = _labels(row)
            mask = None
            if isinstance(row.mask, str):
                drawn = cv2.imread(str(root / row.mask), cv2.IMREAD_GRAYSCALE) > 127
                kinds = [k for k in range(1, 6) if labels[k] == 1]
                bits = 1 | (1 << kinds[0] if len(kinds) == 1 else 0)
                mask = (drawn * bits).astype(np.uint8)
            name = Path(row.file).stem
            slices.append(LabelledSlice(name, hu, labels, mask, _boxes(row.boxes)))
        yield Stack("ctich", str(patient), 0.7, slices)


def phe_sich(root: Path) -> Iterator[Stack]:
    """Every patient has an IPH. Its mask: what is bright, inside or next to the oedema."""
    table = pd.read_csv(root / "index.csv", dtype={"patient": str})
    for row in table.itertuples():
        picture = cv2.imread(str(root / f"{row.patient}.jpg"), cv2.IMREAD_GRAYSCALE)
        oedema = cv2.imread(str(root / f"{row.patient}_oedema.png"), cv2.IMREAD_GRAYSCALE)
        slices = []
        for index in range(row.slices):
            part = slice(index * row.height, (index + 1) * row.height)
            hu = picture[part].astype(np.float32) * (80.0 / 255.0)
            rim = oedema[part] > 0
            labels = np.full(6, UNKNOWN, np.int8)
            mask = None
            if rim.any():
                blood = _bright_beside(hu, rim)
                if blood.sum() >= 30:
                    labels[0] = labels[2] = 1
                    mask = (blood * (1 | 1 << 2)).astype(np.uint8)
            slices.append(LabelledSlice(f"{row.patient}_{index:02d}", hu, labels, mask))
        yield Stack("phe_sich", f"phe_{row.patient}", 0.8, slices)


def _bright_beside(hu: np.ndarray, rim: np.ndarray) -> np.ndarray:
    """Bright pieces (above 46 HU, away from the skull) that touch the hull of the oedema."""
    rim8 = rim.astype(np.uint8)
    contours, _ = cv2.findContours(rim8, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hull = np.zeros_like(rim8)
    points = np.concatenate(contours)
    cv2.fillPoly(hull, [cv2.convexHull(points)], 1)
    near = cv2.dilate(hull, np.ones((41, 41), np.uint8))
    smooth = cv2.GaussianBlur(hu, (0, 0), 1.2)
    skull = cv2.dilate((smooth > 78).astype(np.uint8), np.ones((5, 5), np.uint8))
    blood = ((smooth > 46) & (near > 0) & (skull == 0)).astype(np.uint8)
    blood = cv2.morphologyEx(blood, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, parts = cv2.connectedComponents(blood)
    touching = set(np.unique(parts[hull > 0])) - {0}
    return np.isin(parts, list(touching)) if count > 1 and touching else np.zeros(hu.shape, bool)


def _rows(root: Path) -> Iterator[tuple]:
    yield from pd.read_csv(root / "labels.csv").itertuples()


def _labels(row: tuple) -> np.ndarray:
    return np.array([getattr(row, name) for name in LABEL_COLUMNS], np.int8)


def _patient(row: tuple) -> str:
    known = row.patient
    return known if isinstance(known, str) else f"lone_{Path(row.file).stem}"


def _boxes(text: object) -> list[tuple[int, float, float, float, float]]:
    if not isinstance(text, str):
        return []
    boxes = []
    for part in text.replace(";", " ").split():
        kind, numbers = part.split(":")
        cx, cy, w, h = (float(v) for v in numbers.split(","))
        boxes.append((LABEL_COLUMNS.index(kind), cx, cy, w, h))
    return boxes


def _picture(path: Path, hu_range: float, hu_low: float) -> np.ndarray:
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    return (grey.astype(np.float32) * (hu_range / 255.0) + hu_low).clip(0, 80)


def _dicom(path: Path) -> tuple[np.ndarray, float]:
    data = pydicom.dcmread(path, force=True)
    slope = float(data.get("RescaleSlope", 1))
    intercept = float(data.get("RescaleIntercept", 0))
    hu = data.pixel_array.astype(np.float32) * slope + intercept
    spacing = data.get("PixelSpacing", [0.49, 0.49])
    return hu.clip(0, 80), float(spacing[0])


Reader = Callable[[Path], Iterator[Stack]]
READERS: dict[str, Reader] = {
    "rsna_slices": rsna_slices,
    "rsna_boxes": rsna_boxes,
    "rsna_dicom_slices": rsna_dicom_slices,
    "rsna_hu_slices": rsna_hu_slices,
    "rsna_scans": rsna_scans,
    "ctich": ctich,
    "phe_sich": phe_sich,
}
"""The folder of each training source, and what reads it."""


def read_all(root: Path) -> Iterator[Stack]:
    """Every training stack below ``root``."""
    for name, reader in READERS.items():
        yield from reader(root / name)
