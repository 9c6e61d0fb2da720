"""The parts of a model card: how a network is fed, and how its answers are read.

Every list of six numbers (calibration, thresholds) is in the order of
:data:`ich_cli.domain.LABELS`, whatever the order of the network's own outputs. A single
number stands for all six; a mapping by label is read too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from ich_cli.domain import LABELS

Number = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[Number, Field(gt=0)]
Probability = Annotated[Number, Field(ge=0, le=1)]
FileName = Annotated[str, Field(pattern=r"^[^/\\\x00]+\.onnx$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$", to_lower=True)]


def _six(value: Any) -> Any:
    """Spread one number over the labels; put a mapping by label in their order."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return (value,) * len(LABELS)
    if isinstance(value, Mapping):
        if set(value) != set(LABELS):
            raise ValueError(f"needs exactly the labels {', '.join(LABELS)}")
        return tuple(value[label] for label in LABELS)
    return value


_Numbers = tuple[Number, Number, Number, Number, Number, Number]
_Positives = tuple[Positive, Positive, Positive, Positive, Positive, Positive]
_Probabilities = tuple[Probability, Probability, Probability, Probability, Probability, Probability]
Six = Annotated[_Numbers, BeforeValidator(_six)]
SixPositive = Annotated[_Positives, BeforeValidator(_six)]
SixProbabilities = Annotated[_Probabilities, BeforeValidator(_six)]


class Part(BaseModel):
    """A mapping of a card: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class InputSpec(Part):
    """How the input tensor is made from Hounsfield units.

    The channel axis runs over ``slices`` (outer loop) and ``windows`` (inner loop).
    ``layout`` also holds for the ``mask`` and ``cam`` outputs.
    """

    name: str = "image"
    size: Annotated[int, Field(ge=8, le=2048)]
    crop: Literal["head", "none"] = "head"
    slices: Annotated[tuple[Annotated[int, Field(ge=-32, le=32)], ...], Field(min_length=1)] = (0,)
    neighbour_mm: Positive | None = None
    windows: Annotated[tuple[tuple[Number, Positive], ...], Field(min_length=1)]
    mean: tuple[Number, ...] = (0.0,)
    std: tuple[Positive, ...] = (1.0,)
    layout: Literal["NCHW", "NHWC"] = "NCHW"

    @model_validator(mode="after")
    def _one_mean_a_window(self) -> InputSpec:
        for field in ("mean", "std"):
            if len(getattr(self, field)) not in (1, len(self.windows)):
                raise ValueError(f"{field} needs one number, or one a window")
        return self

    @property
    def channels(self) -> int:
        """How many channels the network is given."""
        return len(self.slices) * len(self.windows)


class OutputSpec(Part):
    """Names of the ONNX outputs; all but ``logits`` are optional."""

    logits: str = "logits"
    mask: str | None = None
    features: str | None = None
    cam: str | None = None


class Calibration(Part):
    """Logits to probabilities: ``p = sigmoid((logit + bias) / temperature)``.

    ``gate`` is how much blood of any kind must be there for one kind to be, see
    :func:`ich_cli.models.calibration.gated`; 0 leaves each label to itself.
    """

    gate: Annotated[Number, Field(ge=0, le=1)] = 0.0
    temperature: SixPositive = (1.0,) * 6
    bias: Six = (0.0,) * 6


class Thresholds(Part):
    """Where a probability becomes a call; ``mask`` where a voxel counts as blood."""

    slice: SixProbabilities = (0.5,) * 6
    scan: SixProbabilities = (0.5,) * 6
    mask: SixProbabilities = (0.5,) * 6


class ScanSpec(Part):
    """How slices are read together: a pooling rule, or a small sequence network (``head``).

    ``neighbours`` is the weight of the logits of the slice before and of that after, against
    1 for a slice's own, see :func:`ich_cli.models.neighbours.lean_on_neighbours`.

    The sequence network takes ``features`` ``(1, z, d)`` and, where it has that input,
    ``mask`` ``(1, z)`` of ones; it gives ``scan_logits`` ``(1, 6)`` and
    ``slice_logits`` ``(1, z, 6)``.
    """

    method: Literal["smooth_max", "rank", "head"] = "rank"
    rank: Annotated[int, Field(ge=1)] = 2
    neighbours: Annotated[Number, Field(ge=0, le=1)] = 0.0
    onnx: FileName | None = None
    sha256: Sha256 | None = None
    features: str = "features"
    calibration: Calibration = Calibration()

    @model_validator(mode="after")
    def _head_has_a_file(self) -> ScanSpec:
        if self.method == "head" and (self.onnx is None or self.sha256 is None):
            raise ValueError("method 'head' needs onnx and sha256")
        if self.method == "head" and self.neighbours:
            raise ValueError("method 'head' reads the neighbours itself; leave neighbours out")
        return self
