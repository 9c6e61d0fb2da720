"""What a phantom study is to be: head, bleeds, and how it is scanned and written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ich_cli.domain import Side, Subtype
from ich_cli.errors import UsageError

REGIONS: dict[Subtype, tuple[str, ...]] = {
    Subtype.EDH: ("temporal", "frontal", "parietal", "occipital"),
    Subtype.IPH: (
        "basal_ganglia",
        "thalamus",
        "frontal",
        "parietal",
        "temporal",
        "occipital",
        "cerebellum",
        "brainstem",
    ),
    Subtype.IVH: ("lateral", "fourth"),
    Subtype.SAH: ("sylvian", "basal_cisterns", "convexity"),
    Subtype.SDH: ("convexity", "falx", "tentorium"),
}
"""Where a bleed of each subtype can be put; the first is the default."""

DEFAULT_ML: dict[Subtype, float] = {
    Subtype.EDH: 45.0,
    Subtype.IPH: 25.0,
    Subtype.IVH: 20.0,
    Subtype.SAH: 25.0,
    Subtype.SDH: 90.0,
}
"""Large enough to be unmistakable."""


class Compression(str, Enum):
    """How the pixels are encoded in the DICOM file."""

    NONE = "none"
    RLE = "rle"
    JPEG_LS = "jpeg-ls"
    JPEG_2000 = "jpeg2000"
    JPEG_LOSSLESS = "jpeg-lossless"
    DEFLATED = "deflated"


class Orientation(str, Enum):
    """How the patient lies: DICOM's Patient Position."""

    HFS = "HFS"
    FFS = "FFS"
    HFP = "HFP"


class Kernel(str, Enum):
    """Reconstruction kernel: soft for brain, sharp for bone."""

    BRAIN = "brain"
    BONE = "bone"


@dataclass(frozen=True, slots=True)
class Bleed:
    """One haemorrhage to put in.

    Attributes:
        subtype: Which of the five.
        ml: Millilitres; ``None`` takes ``DEFAULT_ML``.
        side: Left, right or bilateral (half of the millilitres on either side).
        region: One of ``REGIONS[subtype]``; empty takes the first.
    """

    subtype: Subtype
    ml: float | None = None
    side: Side = Side.LEFT
    region: str = ""

    def __post_init__(self) -> None:
        if self.ml is not None and not 0.1 <= self.ml <= 300:
            raise UsageError(f"{self.ml} mL cannot be put in a head; ask for 0.1 to 300 mL")
        if self.side is Side.MIDLINE:
            raise UsageError("a phantom bleed is left, right or bilateral")
        if self.region and self.region not in REGIONS[self.subtype]:
            known = ", ".join(REGIONS[self.subtype])
            raise UsageError(
                f"no region {self.region!r} for {self.subtype.value}; choose one of: {known}"
            )

    @property
    def target_ml(self) -> float:
        """Millilitres to reach."""
        return DEFAULT_ML[self.subtype] if self.ml is None else self.ml

    @property
    def place(self) -> str:
        """Region to put it in."""
        return self.region or REGIONS[self.subtype][0]


@dataclass(frozen=True, slots=True)
class PhantomSpec:
    """One phantom study. The same spec gives the same bytes.

    Attributes:
        seed: Draws the anatomy, the bleed's shape, the noise and the UIDs.
        bleeds: What to put in; empty for a normal head.
        matrix: Rows and columns.
        field_mm: Field of view.
        spacing_mm: Distance of slices along their normal. More than one: the head's
            height is shared out evenly among them, base first.
        slices: How many; ``None`` for as many as the head needs.
        thickness_mm: Slice thickness; ``None`` for the spacing.
        tilt_deg: Gantry tilt, positive when the front of a slice lies nearer to the vertex.
        noise_hu: Standard deviation of the noise in the middle of the brain.
        kernel: Soft or sharp.
        kvp: Tube voltage.
        compression: Transfer syntax of the files.
        orientation: How the patient lies.
        mirror: Columns run from left to right of the patient instead of right to left.
        localizer: Add a scout view as a series of its own.
        bone_series: Add the same slices with a bone kernel as a series of its own.
        name: Folder of the study; empty makes one from bleed and seed.
    """

    seed: int = 0
    bleeds: tuple[Bleed, ...] = ()
    matrix: int = 256
    field_mm: float = 240.0
    spacing_mm: tuple[float, ...] = (5.0,)
    slices: int | None = None
    thickness_mm: float | None = None
    tilt_deg: float = 0.0
    noise_hu: float = 3.0
    kernel: Kernel = Kernel.BRAIN
    kvp: float = 120.0
    compression: Compression = Compression.NONE
    orientation: Orientation = Orientation.HFS
    mirror: bool = False
    localizer: bool = False
    bone_series: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        checks = (
            (64 <= self.matrix <= 1024, f"matrix {self.matrix}: choose 64 to 1024"),
            (200 <= self.field_mm <= 500, f"field of view {self.field_mm} mm: choose 200 to 500"),
            (
                bool(self.spacing_mm) and all(0.3 <= s <= 20 for s in self.spacing_mm),
                "slice spacing: choose 0.3 to 20 mm",
            ),
            (
                self.slices is None or 1 <= self.slices <= 1000,
                f"{self.slices} slices: choose 1 to 1000",
            ),
            (abs(self.tilt_deg) <= 30, f"tilt {self.tilt_deg}°: choose −30 to 30"),
            (0 <= self.noise_hu <= 50, f"noise {self.noise_hu} HU: choose 0 to 50"),
            (self.seed >= 0, f"seed {self.seed}: choose 0 or more"),
        )
        for fine, message in checks:
            if not fine:
                raise UsageError(message)

    @property
    def folder(self) -> str:
        """Name of the study's folder."""
        if self.name:
            return self.name
        kinds = "_".join(b.subtype.value.lower() for b in self.bleeds) or "normal"
        return f"{kinds}_{self.seed:04d}"
