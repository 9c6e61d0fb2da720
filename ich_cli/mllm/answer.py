"""The closed questions and the only words that may answer them.

Every field is an enumeration or a bounded number. There is no free text, so nothing that
is written in an image, or thought aloud by a model, has a field to arrive in.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ich_cli.domain import Subtype


class Presence(str, Enum):
    """Is there intracranial blood?"""

    YES = "yes"
    NO = "no"
    CANNOT_TELL = "cannot_tell"


class SideWord(str, Enum):
    """Side of the patient."""

    LEFT = "left"
    RIGHT = "right"
    BILATERAL = "bilateral"
    MIDLINE = "midline"
    NONE = "none"
    CANNOT_TELL = "cannot_tell"


class Region(str, Enum):
    """Where the blood is, coarse enough for a picture without a template."""

    FRONTAL = "frontal"
    PARIETAL = "parietal"
    TEMPORAL = "temporal"
    OCCIPITAL = "occipital"
    DEEP_GREY = "deep_grey"
    THALAMUS = "thalamus"
    BRAINSTEM = "brainstem"
    CEREBELLUM = "cerebellum"
    VENTRICLES = "ventricles"
    CISTERNS = "cisterns"
    CONVEXITY = "convexity"
    FALX_TENTORIUM = "falx_tentorium"


class Level(str, Enum):
    """Height of a slice in the head."""

    SKULL_BASE = "skull_base"
    POSTERIOR_FOSSA = "posterior_fossa"
    SUPRASELLAR = "suprasellar"
    THIRD_VENTRICLE = "third_ventricle"
    LATERAL_VENTRICLES = "lateral_ventricles"
    CENTRUM_SEMIOVALE = "centrum_semiovale"
    VERTEX = "vertex"
    CANNOT_TELL = "cannot_tell"


class Answer(BaseModel):
    """Base of all answers: no field more, no field less, no type bent."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class LevelAnswer(Answer):
    """First question of the chain."""

    level: Level


class PresenceAnswer(Answer):
    """Second question of the chain."""

    haemorrhage: Presence


class SubtypesAnswer(Answer):
    """Third question of the chain."""

    subtypes: list[Subtype]


class LocationAnswer(Answer):
    """Fourth question of the chain."""

    side: SideWord
    regions: list[Region]


class VolumeAnswer(Answer):
    """Fifth question of the chain; ``None`` when it cannot be estimated."""

    volume_ml: float | None = Field(ge=0.0, le=1000.0)


class ScanAnswer(VolumeAnswer, LocationAnswer, SubtypesAnswer, PresenceAnswer):
    """All questions at once. pydantic reads the bases from the right: presence comes first."""

    @model_validator(mode="after")
    def _consistent(self) -> ScanAnswer:
        if self.haemorrhage is Presence.NO and (self.subtypes or (self.volume_ml or 0.0) > 0.0):
            raise ValueError("says no haemorrhage and names one")
        return self


SCHEMAS: dict[str, type[Answer]] = {
    "level": LevelAnswer,
    "presence": PresenceAnswer,
    "subtypes": SubtypesAnswer,
    "location": LocationAnswer,
    "volume": VolumeAnswer,
    "scan": ScanAnswer,
}
"""What a prompt's step may ask for, by name."""


def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of an answer, in the subset that all providers take.

    Inlined enumerations, every property required, no others allowed, no bounds: the bounds
    are checked here when the answer comes back.
    """
    full = SCHEMAS[name].model_json_schema()
    properties = {
        field: _plain(spec, full.get("$defs", {})) for field, spec in full["properties"].items()
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _plain(spec: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in spec:
        spec = definitions[spec["$ref"].rsplit("/", 1)[-1]]
    if "enum" in spec:
        return {"type": "string", "enum": list(spec["enum"])}
    if "anyOf" in spec:
        return {"anyOf": [_plain(option, definitions) for option in spec["anyOf"]]}
    if spec["type"] == "array":
        return {"type": "array", "items": _plain(spec["items"], definitions)}
    return {"type": spec["type"]}
