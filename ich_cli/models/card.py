"""The model card: one YAML file that says how to feed a network and how to read it.

Every list of six numbers (calibration, thresholds) is in the order of
:data:`ich_cli.domain.LABELS`, whatever the order of the network's own outputs, which
``labels`` states. A single number stands for all six; a mapping by label is read too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from ich_cli.domain import LABELS
from ich_cli.errors import ModelError

MAX_CARD_BYTES = 1_000_000
"""A card is text written by hand; what is larger is something else."""

Number = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[Number, Field(gt=0)]
Probability = Annotated[Number, Field(ge=0, le=1)]
FileName = Annotated[str, Field(pattern=r"^[^/\\\x00]+\.onnx$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


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


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class InputSpec(_Part):
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


class OutputSpec(_Part):
    """Names of the ONNX outputs; all but ``logits`` are optional."""

    logits: str = "logits"
    mask: str | None = None
    features: str | None = None
    cam: str | None = None


class Calibration(_Part):
    """Logits to probabilities: ``p = sigmoid((logit + bias) / temperature)``."""

    temperature: SixPositive = (1.0,) * 6
    bias: Six = (0.0,) * 6


class Thresholds(_Part):
    """Where a probability becomes a call; ``mask`` where a voxel counts as blood."""

    slice: SixProbabilities = (0.5,) * 6
    scan: SixProbabilities = (0.5,) * 6
    mask: SixProbabilities = (0.5,) * 6


class ScanSpec(_Part):
    """How slices make a scan: a pooling rule, or a small sequence network (``head``).

    The sequence network takes ``features`` ``(1, z, d)`` and, where it has that input,
    ``mask`` ``(1, z)`` of ones; it gives ``scan_logits`` ``(1, 6)`` and
    ``slice_logits`` ``(1, z, 6)``.
    """

    method: Literal["smooth_max", "rank", "head"] = "rank"
    rank: Annotated[int, Field(ge=1)] = 2
    onnx: FileName | None = None
    sha256: Sha256 | None = None
    features: str = "features"
    calibration: Calibration = Calibration()

    @model_validator(mode="after")
    def _head_has_a_file(self) -> ScanSpec:
        if self.method == "head" and (self.onnx is None or self.sha256 is None):
            raise ValueError("method 'head' needs onnx and sha256")
        return self


class Card(_Part):
    """Everything that is known of one network."""

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    name: Annotated[str, Field(min_length=1)]
    version: str
    onnx: FileName
    sha256: Sha256
    licence: str
    intended_use: str
    input: InputSpec
    outputs: OutputSpec = OutputSpec()
    labels: tuple[str, ...] = LABELS
    batch: Annotated[int, Field(ge=1, le=1024)] = 8
    average_to_mm: Positive | None = None
    calibration: Calibration = Calibration()
    thresholds: Thresholds = Thresholds()
    scan: ScanSpec = ScanSpec()
    starting_weights: tuple[Any, ...] = ()
    training_data: tuple[Any, ...] = ()
    splits: Any = None
    metrics: Mapping[str, Any] = {}
    subgroups: Any = None
    known_failures: tuple[str, ...] = ()
    calibration_plot: str | None = None
    citation: str | None = None
    notes: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Card:
        if sorted(self.labels) != sorted(LABELS):
            raise ValueError(f"labels must be these six, in any order: {', '.join(LABELS)}")
        if self.scan.method == "head" and self.outputs.features is None:
            raise ValueError("scan.method 'head' needs outputs.features")
        return self

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all that the network's answers depend on, prose and metrics apart."""
        facts = self.model_dump_json(include=_ANSWER_FIELDS)
        return hashlib.sha256(facts.encode()).hexdigest()


_ANSWER_FIELDS = {
    *("sha256", "input", "outputs", "labels", "average_to_mm"),
    *("calibration", "thresholds", "scan"),
}


def load_card(path: Path) -> Card:
    """Read and check a card.

    Raises:
        ModelError: The file is missing, is no YAML, or a field is missing, unknown or
            has an impossible value; the message names file, field and what to do.
    """
    try:
        if path.stat().st_size > MAX_CARD_BYTES:
            raise ModelError(f"{path}: too large for a model card; point to the YAML file")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path}: cannot read the model card ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" at line {where.line + 1}" if where is not None else ""
        raise ModelError(f"{path}: not valid YAML{line}; correct the model card") from None
    if not isinstance(content, dict):
        raise ModelError(f"{path}: a model card is a YAML mapping of fields; this is not one")
    try:
        return Card.model_validate(content)
    except ValidationError as error:
        raise ModelError(f"{path}: {_first_problem(error)}; correct the model card") from None


def _first_problem(error: ValidationError) -> str:
    """The first wrong field in one line, and how many more there are."""
    problems = error.errors(include_url=False, include_input=False)
    first = problems[0]
    field = ".".join(str(part) for part in first["loc"]) or "card"
    message = {
        "missing": "is missing",
        "extra_forbidden": "is not a field of a model card",
    }.get(first["type"], first["msg"].removeprefix("Value error, "))
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"field {field}: {message}{more}"
