"""The model card: one YAML file that says how to feed a network and how to read it.

A card is that of one network, a :class:`Card`, or that of several networks which give one
answer, an :class:`EnsembleCard`. What both have may be asked of either, an :data:`AnyCard`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import Field, ValidationError, model_validator

from ich_cli.domain import LABELS
from ich_cli.errors import ModelError
from ich_cli.models.card_parts import (
    Calibration,
    FileName,
    InputSpec,
    OutputSpec,
    Part,
    Positive,
    ScanSpec,
    Sha256,
    Thresholds,
)

MAX_CARD_BYTES = 1_000_000
"""A card is text written by hand; what is larger is something else."""

OF_ONE_NETWORK = (
    *("onnx", "sha256", "input", "outputs", "labels", "batch"),
    *("average_to_mm", "mask_edges_mm"),
)
"""Fields that a card with members lacks: each member's own card has them."""

CardName = Annotated[str, Field(pattern=r"^[^/\\\x00]+\.ya?ml$")]


class _Common(Part):
    """What is told of one network and of several alike."""

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    name: Annotated[str, Field(min_length=1)]
    version: str
    licence: str
    intended_use: str
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

    @property
    def has_default_thresholds(self) -> bool:
        """Whether scans are called at 0.5 only because the card does not say where."""
        return "scan" not in self.thresholds.model_fields_set


class Card(_Common):
    """Everything that is known of one network."""

    onnx: FileName
    sha256: Sha256
    input: InputSpec
    outputs: OutputSpec = OutputSpec()
    labels: tuple[str, ...] = LABELS
    batch: Annotated[int, Field(ge=1, le=1024)] = 8
    average_to_mm: Positive | None = None
    mask_edges_mm: Positive | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Card:
        if sorted(self.labels) != sorted(LABELS):
            raise ValueError(f"labels must be these six, in any order: {', '.join(LABELS)}")
        if self.scan.method == "head" and self.outputs.features is None:
            raise ValueError("scan.method 'head' needs outputs.features")
        if self.mask_edges_mm is not None and 0 not in self.input.slices:
            raise ValueError("mask_edges_mm needs the slice itself, 0, among input.slices")
        return self

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all that the network's answers depend on, prose and metrics apart."""
        facts = self.model_dump_json(include=_ANSWER_FIELDS)
        return hashlib.sha256(facts.encode()).hexdigest()


class EnsembleCard(_Common):
    """Everything that is known of several networks that give one answer.

    Attributes:
        members: The file names of their cards, which lie beside this one.
        cards: What these say; :func:`load_card` reads them, a card's file has no such field.
    """

    members: Annotated[tuple[CardName, ...], Field(min_length=2)]
    cards: Annotated[tuple[Card, ...], Field(exclude=True)]

    @model_validator(mode="after")
    def _consistent(self) -> EnsembleCard:
        if self.scan.method == "head":
            raise ValueError("scan.method 'head' is for one network; use rank or smooth_max")
        if self.scan.neighbours:
            raise ValueError("scan.neighbours is for one network; set it in the members' cards")
        if len(set(self.members)) < len(self.members):
            raise ValueError("members must be different networks")
        return self

    @property
    def sha256(self) -> str:
        """SHA-256 over the members' own, as hexadecimal text one after the other."""
        return hashlib.sha256("".join(card.sha256 for card in self.cards).encode()).hexdigest()

    @property
    def fingerprint(self) -> str:
        """As a :class:`Card`'s; it changes with the fingerprint of any member."""
        facts = [card.fingerprint for card in self.cards]
        own = self.model_dump(mode="json", include={"calibration", "thresholds", "scan"})
        return hashlib.sha256(json.dumps([facts, own], sort_keys=True).encode()).hexdigest()


AnyCard = Card | EnsembleCard
_Kind = TypeVar("_Kind", Card, EnsembleCard)

_ANSWER_FIELDS = {
    *("sha256", "input", "outputs", "labels", "average_to_mm", "mask_edges_mm"),
    *("calibration", "thresholds", "scan"),
}


def load_card(path: Path) -> AnyCard:
    """Read and check a card, and those of its members where it has some.

    Raises:
        ModelError: The file is missing, is no YAML, or a field is missing, unknown or
            has an impossible value; the message names file, field and what to do.
    """
    content = _mapping_at(path)
    return _ensemble(path, content) if "members" in content else _checked(Card, path, content)


def _ensemble(path: Path, content: Mapping[str, Any]) -> EnsembleCard:
    """The card of several networks, with those of its members."""
    both = [field for field in (*OF_ONE_NETWORK, "cards") if field in content]
    if both:
        raise ModelError(
            f"{path}: field {both[0]}: is not a field of a card that has members, theirs have it; "
            "correct the model card"
        )
    card = _checked(EnsembleCard, path, {**content, "cards": ()})
    return card.model_copy(update={"cards": tuple(_member(path, name) for name in card.members)})


def _member(path: Path, name: str) -> Card:
    """The card of the member ``name`` of the ensemble at ``path``."""
    beside = path.with_name(name)
    try:
        content = _mapping_at(beside)
        if "members" not in content:
            return _checked(Card, beside, content)
    except ModelError as error:
        raise ModelError(f"{path}: field members: {error}") from None
    raise ModelError(f"{path}: field members: {name} has members itself; name networks instead")


def _checked(kind: type[_Kind], path: Path, content: Mapping[str, Any]) -> _Kind:
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise ModelError(f"{path}: {_first_problem(error)}; correct the model card") from None


def _mapping_at(path: Path) -> dict[str, Any]:
    """The fields of a card's file, unchecked."""
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
    return content


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
