"""The whole RSNA 2019 challenge as it is handed out: DICOM files and ``stage_2_train.csv``.

750,000 slices lie in one folder, in no order. Their headers are read once; slices of one
series and one geometry make a stack, base → vertex, in the form of :mod:`training.data.sources`.
Pixels are read stack by stack, so that memory holds one stack whatever the number of files.
"""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError

from ich_cli.models.slabs import average_slabs, plan_slabs
from training.data.sources import UNKNOWN, LabelledSlice, Stack

SOURCE = "rsna2019"
LABEL_FILE = "stage_2_train.csv"
KINDS = ("any", "epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural")
"""The file's names of our labels, in our order."""

AVERAGE_TO_MM = 5.0
"""Thinner series are averaged to about this, as the card has it done before screening."""
SAME_PLACE_MM = 0.05
MAX_GAP_MM = 12.0
"""Slices farther apart than this are no neighbours."""

UNREADABLE = (InvalidDicomError, OSError, EOFError, ValueError, TypeError, KeyError, AttributeError)
HEADER_TAGS = [
    *("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "Rows", "Columns", "PixelSpacing"),
    *("ImagePositionPatient", "ImageOrientationPatient"),
]


@dataclass(frozen=True, slots=True)
class Header:
    """Where a slice belongs; ``along_mm`` is its place on ``normal``, None when not said."""

    name: str
    path: str
    patient: str
    series: tuple[str, str]
    shape: tuple[int, int]
    pixel_mm: float
    normal: tuple[float, float, float] | None
    along_mm: float | None


def read_labels(path: Path) -> dict[str, np.ndarray]:
    """Labels by image, ``(6,)`` int8, of rows like ``ID_0002081b6_epidural,0``.

    The published file repeats a few rows; they agree.
    """
    if not path.is_file():
        raise SystemExit(f"{path}: not there; DATA must hold {LABEL_FILE} beside the DICOM folder")
    labels: dict[str, np.ndarray] = {}
    with path.open(newline="") as lines:
        rows = csv.reader(lines)
        next(rows, None)
        for number, row in enumerate(rows, start=2):
            name, _, kind = row[0].rpartition("_") if row else ("", "", "")
            if not name or kind not in KINDS or len(row) < 2:
                raise SystemExit(f"{path}, line {number}: not an image's label: {','.join(row)!r}")
            known = labels.setdefault(name, np.full(6, UNKNOWN, np.int8))
            known[KINDS.index(kind)] = round(float(row[1]))
    return labels


def find_files(root: Path, labels: Mapping[str, np.ndarray]) -> Iterator[Path]:
    """Labelled DICOM files anywhere below ``root``; those without labels (tests) are left out."""
    for folder, _, names in os.walk(root):
        for name in names:
            if name.endswith(".dcm") and name.removesuffix(".dcm") in labels:
                yield Path(folder) / name


def read_header(path: Path) -> Header | None:
    """None when the file is no DICOM image of a patient."""
    try:
        data = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=HEADER_TAGS)
        position = data.get("ImagePositionPatient")
        orientation = data.get("ImageOrientationPatient")
        normal = along = None
        if position is not None and orientation is not None:
            axes = np.array(orientation, float)
            direction = np.cross(axes[:3], axes[3:])
            # Towards the vertex, however the slices are turned.
            direction *= -1.0 if direction[2] < 0 else 1.0
            along = float(np.dot(direction, np.array(position, float)))
            normal = tuple(float(v) for v in direction.round(2) + 0.0)
        spacing = data.get("PixelSpacing") or [0.49]
        return Header(
            name=path.stem,
            path=str(path),
            patient=str(data.PatientID),
            series=(str(data.get("StudyInstanceUID", "")), str(data.get("SeriesInstanceUID", ""))),
            shape=(int(data.Rows), int(data.Columns)),
            pixel_mm=float(spacing[0]),
            normal=normal,
            along_mm=along,
        )
    except UNREADABLE:
        return None


def group(headers: Iterable[Header]) -> list[tuple[Header, ...]]:
    """Stacks of slices that are true neighbours, each base → vertex.

    One series of one orientation, matrix and pixel size is a stack. A second slice at one
    place goes to a stack of its own, and a wide gap ends a stack. A slice without a
    position stands alone. The order of the result does not depend on that of ``headers``.
    """
    alike: dict[tuple, list[Header]] = defaultdict(list)
    for header in sorted(headers, key=lambda h: h.name):
        alone = header.name if header.along_mm is None else ""
        kind = (header.normal or (), header.shape, header.pixel_mm, alone)
        alike[(header.patient, header.series, kind)].append(header)
    stacks = []
    for key in sorted(alike):
        members = sorted(alike[key], key=lambda h: (h.along_mm or 0.0, h.name))
        stacks += [part for layer in _layers(members) for part in _between_gaps(layer)]
    return stacks


def _layers(members: Sequence[Header]) -> list[list[Header]]:
    """Slices in order, with repeats of a place moved to further layers."""
    layers: list[list[Header]] = []
    for header in members:
        for layer in layers:
            if _place(header) - _place(layer[-1]) > SAME_PLACE_MM:
                layer.append(header)
                break
        else:
            layers.append([header])
    return layers


def _between_gaps(layer: Sequence[Header]) -> Iterator[tuple[Header, ...]]:
    start = 0
    for k in range(1, len(layer) + 1):
        if k == len(layer) or _place(layer[k]) - _place(layer[k - 1]) > MAX_GAP_MM:
            yield tuple(layer[start:k])
            start = k


def _place(header: Header) -> float:
    return header.along_mm or 0.0


def spacing_mm(headers: Sequence[Header]) -> float:
    """Median distance between neighbours; what is usual for a slice alone."""
    steps = np.diff([_place(h) for h in headers])
    return float(np.median(steps)) if len(steps) else AVERAGE_TO_MM


def read_stack(
    headers: Sequence[Header], labels: Mapping[str, np.ndarray]
) -> tuple[Stack, float, list[str]]:
    """Pixels of one stack, its spacing in mm after thin slices have been averaged, and what lacks.

    An averaged slice bears the labels of all that went into it. Slices whose pixels cannot
    be read are left out and named; the stack may be empty.
    """
    read = [(header, hu) for header in headers if (hu := read_hu(header)) is not None]
    there = {header.name for header, _ in read}
    lost = [header.name for header in headers if header.name not in there]
    slices: list[LabelledSlice] = []
    spacing = spacing_mm([header for header, _ in read])
    if read:
        slabs = plan_slabs(len(read), spacing, AVERAGE_TO_MM)
        averaged = average_slabs(np.stack([hu for _, hu in read]), slabs)
        for k, (start, stop) in enumerate(zip(slabs.edges[:-1], slabs.edges[1:], strict=True)):
            inside = [header.name for header, _ in read[start:stop]]
            told = np.max([labels[name] for name in inside], axis=0)
            slices.append(LabelledSlice(inside[len(inside) // 2], averaged[k], told))
        spacing = slabs.spacing_mm
    return Stack(SOURCE, headers[0].patient, headers[0].pixel_mm, slices), spacing, lost


def read_hu(header: Header) -> np.ndarray | None:
    """``(y, x)`` float32 HU in 0…80, or None when the pixels cannot be read as promised.

    One published file, ``ID_6431af929``, is cut short.
    """
    try:
        data = pydicom.dcmread(header.path)
        stored = data.pixel_array
        slope, intercept = float(data.get("RescaleSlope", 1)), float(data.RescaleIntercept)
        if data.PixelRepresentation == 0 and data.BitsStored == 12 and intercept > -100:
            # Some scanners' signed values were stored as unsigned: below zero they wrap.
            stored = (stored.astype(np.int32) + 1000) % 4096 - 1000
    except (*UNREADABLE, RuntimeError, NotImplementedError):
        return None
    if stored.shape != header.shape:
        return None
    return (stored.astype(np.float32) * slope + intercept).clip(0, 80)
