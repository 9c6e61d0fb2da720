"""Prompts: versioned YAML files, validated, and hashed into every report."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from string import Template
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ich_cli.errors import UsageError
from ich_cli.mllm.answer import SCHEMAS
from ich_cli.yaml_ import read_yaml

PLACEHOLDERS = frozenset({"slices", "windows"})
"""What the text of a step may hold as ``$slices`` and ``$windows``."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Window(_Strict):
    """A display window in Hounsfield units: black at ``level - width/2``."""

    name: str = Field(min_length=1, max_length=40)
    width: float = Field(gt=0)
    level: float


class ImagePlan(_Strict):
    """The pictures a prompt wants.

    ``panels`` makes one picture a slice with its windows side by side; ``montage`` makes
    one picture a window with all slices on it. ``panel_px`` is the long side of one panel.
    """

    layout: Literal["panels", "montage"] = "panels"
    slices: int = Field(ge=1, le=40)
    panel_px: int = Field(default=512, ge=64, le=1024)
    windows: tuple[Window, ...] = Field(min_length=1, max_length=3)


class Step(_Strict):
    """One question and the schema of its answer."""

    answer: str
    ask: str = Field(min_length=1)
    only_if_present: bool = False

    @field_validator("answer")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in SCHEMAS:
            raise ValueError(f"unknown answer {name!r}; there are: {', '.join(SCHEMAS)}")
        return name

    @field_validator("ask")
    @classmethod
    def _fillable(cls, text: str) -> str:
        try:
            Template(text).substitute(dict.fromkeys(PLACEHOLDERS, ""))
        except KeyError as err:
            raise ValueError(f"unknown placeholder ${err.args[0]}") from None
        except ValueError:
            raise ValueError("a lone '$' in the text; write '$$' for the sign itself") from None
        return text

    def text(self, plan: ImagePlan, n_slices: int) -> str:
        """The question with its placeholders filled."""
        windows = ", ".join(f"{w.name} (W{w.width:g}/L{w.level:g})" for w in plan.windows)
        return Template(self.ask).substitute(slices=n_slices, windows=windows).strip()


class Prompt(_Strict):
    """A validated prompt.

    ``unit`` is ``scan`` for one conversation over all pictures, or ``slice`` for one
    conversation a slice. ``sha256`` is that of the file's bytes.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,60}$")
    version: int = Field(ge=1)
    language: str = Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")
    description: str = ""
    unit: Literal["scan", "slice"]
    images: ImagePlan
    system: str = Field(min_length=1)
    steps: tuple[Step, ...] = Field(min_length=1, max_length=10)
    sha256: str = ""

    @model_validator(mode="after")
    def _asks_for_presence(self) -> Prompt:
        answers = [step.answer for step in self.steps]
        if len(set(answers)) != len(answers):
            raise ValueError("two steps ask for the same answer")
        if not {"scan", "presence"} & set(answers):
            raise ValueError("no step asks for 'scan' or 'presence', so nothing can be compared")
        if {"scan", "presence"} <= set(answers):
            raise ValueError("both 'scan' and 'presence' are asked for: presence twice")
        decided = False
        for step in self.steps:
            if step.only_if_present and not decided:
                raise ValueError(f"step {step.answer!r} depends on presence, which comes later")
            decided = decided or step.answer in {"scan", "presence"}
        if self.unit == "slice" and self.images.layout == "montage":
            raise ValueError("a montage shows the whole scan: it needs 'unit: scan'")
        return self


def prompt_folder() -> Path:
    """Where the prompts that ship are: in the wheel, or in the source tree."""
    package = Path(__file__).parents[1]
    shipped = package / "_prompts"
    return shipped if shipped.is_dir() else package.parent / "prompts"


def shipped_prompts() -> tuple[Prompt, ...]:
    """All prompts that ship, by id."""
    return tuple(load_prompt(path) for path in sorted(prompt_folder().glob("*.yaml")))


def find_prompt(name: str) -> Prompt:
    """A prompt by the id of one that ships, or by the path of a YAML file.

    Raises:
        UsageError: There is no such prompt, or the file is not a valid one.
    """
    path = Path(name)
    if path.suffix.lower() in {".yaml", ".yml"}:
        return load_prompt(path)
    shipped = prompt_folder() / f"{name}.yaml"
    if re.fullmatch(r"[a-z0-9_]+", name) and shipped.is_file():
        return load_prompt(shipped)
    known = ", ".join(sorted(item.stem for item in prompt_folder().glob("*.yaml")))
    raise UsageError(f"no prompt {name!r}; there are: {known}; or give the path of a .yaml file")


def load_prompt(path: Path) -> Prompt:
    """Read and validate a prompt file.

    Raises:
        UsageError: It cannot be read, is not YAML, or breaks a rule (which is named).
    """
    try:
        content = path.read_bytes()
    except OSError as err:
        raise UsageError(f"cannot read the prompt {path}: {err.strerror}") from None
    data = read_yaml(content, path)
    if not isinstance(data, dict):
        raise UsageError(f"the prompt {path} is not a YAML mapping with id, version, system, …")
    data.pop("sha256", None)
    try:
        return Prompt(**data, sha256=hashlib.sha256(content).hexdigest())
    except (ValidationError, TypeError) as err:
        raise UsageError(f"the prompt {path}: {_first_error(err)}") from None


def _first_error(err: ValidationError | TypeError) -> str:
    if isinstance(err, TypeError):
        return "keys must be words"
    first = err.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
