"""Providers, model names and prices: data that ships, under the user's own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ich_cli.errors import UsageError
from ich_cli.mllm.address import ServerUrl
from ich_cli.yaml_ import read_yaml


class ProviderConfig(BaseModel):
    """One provider: where it is, what is asked there, which keys open it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    company: str
    base_url: ServerUrl | None
    model: str | None
    key_variables: tuple[str, ...]
    max_side_px: int = Field(ge=128, le=8192)
    temperature: float | None = None
    seed: int | None = None


class Price(BaseModel):
    """USD per million tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: float = Field(ge=0)
    output: float = Field(ge=0)

    def usd(self, tokens_in: int, tokens_out: int) -> float:
        """What so many tokens cost."""
        return (tokens_in * self.input + tokens_out * self.output) / 1e6


class MllmConfig(BaseModel):
    """The whole table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    providers: dict[str, ProviderConfig]
    prices: dict[str, Price | None]


def user_file() -> Path:
    """Where the user's own ``mllm.yaml`` is looked for."""
    return (
        _base("XDG_CONFIG_HOME", "APPDATA", ".config", "Library/Application Support") / "mllm.yaml"
    )


def cache_folder() -> Path:
    """Where answers are kept unless a setting says otherwise."""
    return _base("XDG_CACHE_HOME", "LOCALAPPDATA", ".cache", "Library/Caches") / "mllm"


def state_folder() -> Path:
    """Where it is remembered which notices were shown."""
    return _base("XDG_STATE_HOME", "LOCALAPPDATA", ".local/state", "Library/Application Support")


def load_config(path: Path | None = None) -> MllmConfig:
    """The shipped table with the user's file laid over it, field by field.

    Args:
        path: The user's file; by default :func:`user_file`, when it is there.

    Raises:
        UsageError: The user's file is not a valid table, or was named and is not there.
    """
    own = user_file() if path is None else path
    if path is not None and not path.is_file():
        # Going on without it could send pictures to another host than the one it names.
        raise UsageError(f"there is no table of providers {path}; correct --mllm-config")
    data = _shipped()
    if own.is_file():
        data = _laid_over(data, _read(own))
    try:
        return MllmConfig.model_validate(data)
    except ValidationError as err:
        first = err.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"{own}: {where}: {message}") from None


def _base(xdg: str, windows: str, home: str, mac_home: str) -> Path:
    chosen = os.environ.get(xdg)
    if not chosen and sys.platform == "win32":
        chosen = os.environ.get(windows)
    if chosen:
        return Path(chosen) / "ich"
    return Path.home() / (mac_home if sys.platform == "darwin" else home) / "ich"


@cache
def _shipped() -> Mapping[str, Any]:
    text = (Path(__file__).parent / "defaults.yaml").read_text("utf-8")
    data: dict[str, Any] = yaml.safe_load(text)
    return data


def _read(path: Path) -> dict[str, Any]:
    try:
        data = read_yaml(path.read_bytes(), path)
    except OSError as err:
        raise UsageError(f"cannot read {path}: {err.strerror}") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise UsageError(f"{path} must hold 'providers:' and 'prices:'")
    return data


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _laid_over(merged[key], value) if both else value
    return merged
