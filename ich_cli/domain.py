"""The nouns of the project. Plain frozen data; imports nothing of ours.

Conventions, everywhere:

* Arrays of a volume are indexed ``(z, y, x)``. ``z`` rises towards the head's top
  (superior), ``y`` towards the back (posterior), ``x`` towards the patient's **left**:
  the axes of DICOM's LPS, so that index order and patient side cannot be confused.
* Millimetres, Hounsfield units, millilitres. Probabilities are calibrated, 0…1.
* ``None`` means unknown; it is never written as 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


class Subtype(str, Enum):
    """The five kinds of intracranial haemorrhage, in the order of every label axis."""

    EDH = "EDH"
    IPH = "IPH"
    IVH = "IVH"
    SAH = "SAH"
    SDH = "SDH"


SUBTYPES: tuple[Subtype, ...] = tuple(Subtype)
LABELS: tuple[str, ...] = ("any", *(s.value for s in SUBTYPES))
"""Order of the last axis of slice probabilities and of the mask channels."""


class Status(str, Enum):
    """What a scan can be."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    INDETERMINATE = "indeterminate"
    NOT_ANALYSABLE = "not_analysable"
    FAILED = "failed"


LARGE_ML = 30.0
"""The volume from which a bleed is called large, as in trials of surgery."""


class Side(str, Enum):
    """Side of the patient, never of the picture."""

    LEFT = "left"
    RIGHT = "right"
    BILATERAL = "bilateral"
    MIDLINE = "midline"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was skipped or could not be done.

    ``code`` is a stable snake_case word to count by (``not_ct``, ``contrast``, ``gap``,
    ``cannot_decode`` …); ``detail`` is for the reader and never carries patient data.
    """

    code: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}" if self.detail else self.code


@dataclass(frozen=True, slots=True)
class FileRef:
    """One DICOM file: a path, or a member of a zip archive at that path."""

    path: Path
    member: str | None = None

    def __str__(self) -> str:
        return str(self.path) if self.member is None else f"{self.path}!{self.member}"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that no volume uses, and why."""

    file: FileRef
    reason: Reason


@dataclass(frozen=True, slots=True)
class Instance:
    """The header facts of one CT object that later stages need. ``None`` = tag absent.

    ``tags`` keeps a few more header values by keyword (strings), for selection and for
    subgroup reports. Identifiers are raw here; the reports hash them.
    """

    file: FileRef
    sop_uid: str
    study_uid: str
    series_uid: str
    modality: str | None = None
    sop_class_uid: str | None = None
    transfer_syntax_uid: str | None = None
    image_type: tuple[str, ...] = ()
    rows: int | None = None
    columns: int | None = None
    frames: int = 1
    position_mm: tuple[float, float, float] | None = None
    orientation: tuple[float, float, float, float, float, float] | None = None
    pixel_spacing_mm: tuple[float, float] | None = None
    slice_thickness_mm: float | None = None
    kvp: float | None = None
    kernel: str | None = None
    contrast_agent: str | None = None
    series_description: str | None = None
    study_description: str | None = None
    protocol_name: str | None = None
    body_part: str | None = None
    manufacturer: str | None = None
    patient_id: str | None = None
    study_date: str | None = None
    acquired: datetime | None = None
    frame_of_reference_uid: str | None = None
    acquisition_number: int | None = None
    series_number: int | None = None
    patient_position: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Series:
    """Instances that may form one stack: one acquisition, orientation and matrix.

    ``part`` counts the stacks that one SeriesInstanceUID was split into, from 0; ``unread``
    holds the reasons of files beside the instances that may be slices, but cannot be read.
    """

    study_uid: str
    series_uid: str
    part: int
    instances: tuple[Instance, ...]
    unread: tuple[Reason, ...] = ()

    @property
    def first(self) -> Instance:
        """The instance whose header speaks for the series."""
        return self.instances[0]

    @property
    def acquired(self) -> datetime | None:
        """When its first slice was acquired, by the scanner's clock."""
        return min((one.acquired for one in self.instances if one.acquired), default=None)

    @property
    def file_stem(self) -> str:
        """Name of the files that are written for this stack, see :func:`file_stem`."""
        return file_stem(self.study_uid, self.series_uid, self.part)


def file_stem(study_uid: str, series_uid: str, part: int) -> str:
    """Name of the files written for a stack: masks, previews, pictures.

    A hash: the same in every run, and no UID stands in a path.
    """
    return hashlib.sha256(f"{study_uid}\0{series_uid}\0{part}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Volume:
    """A head CT in Hounsfield units with the geometry to measure in it.

    Attributes:
        hu: ``(z, y, x)`` float32, axes as the module says.
        spacing_mm: ``(z, y, x)``; ``z`` is the median distance between slice planes
            along their normal.
        slice_mm: ``(z,)`` the length of normal that each slice stands for (half the way
            to either neighbour); Σ area × ``slice_mm`` is a volume, tilted or uneven.
        positions_mm: ``(z, 3)`` LPS of each slice's voxel ``(0, 0)`` centre.
        affine: 4 × 4, voxel index ``(x, y, z, 1)`` → LPS mm, for the evenly spaced case;
            with uneven spacing it is the best fit and ``flags`` holds ``uneven_spacing``.
        sop_uids: One a slice.
        tilt_deg: Signed gantry tilt; 0 when the planes are perpendicular to the table.
        slice_thickness_mm: As the header says, or ``None``.
        flags: Stable snake_case words on what was odd (``tilt``, ``uneven_spacing``,
            ``duplicates_dropped``, ``hu_clamped`` …).
        used: The files whose pixels are in ``hu``.
        skipped: Files of the series that are not, with reasons.
        notes: What some of the flags mean here, in numbers (``gap: 10.0 mm between …``).
        unseen_mm: The longest stretch that only slices which were lost may have shown.
    """

    hu: FloatArray
    spacing_mm: tuple[float, float, float]
    slice_mm: FloatArray
    positions_mm: NDArray[np.float64]
    affine: NDArray[np.float64]
    sop_uids: tuple[str, ...]
    tilt_deg: float = 0.0
    slice_thickness_mm: float | None = None
    flags: tuple[str, ...] = ()
    used: tuple[FileRef, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[Reason, ...] = ()
    unseen_mm: float = 0.0

    @property
    def voxel_ml(self) -> NDArray[np.float64]:
        """``(z,)`` millilitres of one voxel of each slice."""
        area = self.spacing_mm[1] * self.spacing_mm[2]
        return np.asarray(self.slice_mm, np.float64) * area / 1000.0


@dataclass(frozen=True, slots=True)
class SlicePrediction:
    """What a network says, slice by slice.

    Attributes:
        probs: ``(z, 6)`` calibrated probabilities in the order of ``LABELS``.
        masks: ``(z, 6, y, x)`` soft masks 0…1 on the input's own grid, or ``None``
            for a classifier without a mask head.
        heat: ``(z, y, x)`` class-activation map 0…1 for the location, or ``None``.
        scan_probs: ``(6,)`` from the network's own scan-level head, or ``None``.
    """

    probs: FloatArray
    masks: FloatArray | None = None
    heat: FloatArray | None = None
    scan_probs: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its plausible range."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """One of the clinician's numbers: value, where it was read, and how."""

    value: float | bool | str | None
    unit: str = ""
    slice_index: int | None = None
    method: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Lesion:
    """One connected bleed of one subtype."""

    subtype: Subtype
    ml: float
    side: Side | None
    centroid_lps_mm: tuple[float, float, float]
    bbox_lps_mm: tuple[tuple[float, float, float], tuple[float, float, float]]
    key_slice: int
    regions: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """One subtype in one scan."""

    subtype: Subtype
    prob: float
    call: bool
    ml: Interval | None = None
    ml_reason: str = ""
    side: Side | None = None
    regions: Mapping[str, float] = field(default_factory=dict)
    key_slice: int | None = None
    lesions: tuple[Lesion, ...] = ()


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """What the second reader (an MLLM) said. It never changes the network's result."""

    reader: str
    tier: str
    any: bool | None = None
    subtypes: tuple[Subtype, ...] = ()
    side: Side | None = None
    location: str | None = None
    ml: float | None = None
    reason: str = ""
    differs: tuple[str, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotAnalysable:
    """What a stage returns instead of its product when it cannot do its work on a series.

    ``status`` is ``NOT_ANALYSABLE`` (the scan is not one that can be judged) or
    ``FAILED`` (it should have worked). ``skipped`` accounts for the files concerned.
    """

    reason: Reason
    status: Status = Status.NOT_ANALYSABLE
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the network and the measurements say of one volume.

    ``findings`` holds all five subtypes, in order. ``sentence`` is the plain summary,
    ``location`` the short one for the table.
    """

    status: Status
    any_prob: float
    any_call: bool
    findings: tuple[Finding, ...]
    total_ml: Interval | None = None
    ml_reason: str = ""
    side: Side | None = None
    location: str | None = None
    sentence: str = ""
    key_slice: int | None = None
    measurements: Mapping[str, Measurement] = field(default_factory=dict)
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScanResult:
    """One row of the results: everything that is known of one candidate series.

    ``assessment`` is there exactly when ``status`` is positive, negative or
    indeterminate; ``reason`` is there whenever it is not. ``notes`` are those of the volume.
    ``artefacts`` names the files that were written for this scan (``preview``, ``masks`` …)
    relative to the output folder.
    """

    status: Status
    series: Series
    reason: Reason | None = None
    assessment: Assessment | None = None
    slice_probs: FloatArray | None = None
    sop_uids: tuple[str, ...] = ()
    positions_mm: NDArray[np.float64] | None = None
    spacing_mm: tuple[float, float, float] | None = None
    slice_thickness_mm: float | None = None
    tilt_deg: float | None = None
    second_opinion: SecondOpinion | None = None
    model: str = ""
    model_sha256: str = ""
    flags: tuple[str, ...] = ()
    notes: tuple[Reason, ...] = ()
    used: tuple[FileRef, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    selection: Mapping[str, Any] = field(default_factory=dict)
    timings_s: Mapping[str, float] = field(default_factory=dict)
    artefacts: Mapping[str, str] = field(default_factory=dict)
