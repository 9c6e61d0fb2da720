"""Settings in layers: flags, then ``ICH_*`` environment, then ``ich.yaml``, then defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from ich_cli.errors import UsageError
from ich_cli.mllm.address import ServerUrl
from ich_cli.pipeline.watch_settings import WatchSettings
from ich_cli.reports import FORMATS
from ich_cli.yaml_ import read_yaml

FILE_NAME = "ich.yaml"
PREFIX = "ICH_"
_PATHS = ("out", "log_file", "mllm_dry_run", "mllm_config")
_NAMES_OR_PATHS = ("model", "prompt")
_OF_FILES = frozenset({".yaml", ".yml", ".onnx"})
_OTHER_VARIABLES = frozenset({"ICH_CONFIG", "ICH_WEIGHTS", "ICH_VERBOSE"})
"""Variables that are read elsewhere and are no settings of a scan."""

_WANTED = {
    "device": "choose auto, cpu, cuda or cuda:N",
    "only_uncertain": "give two probabilities, the lower one first, such as 0.2,0.8",
}
"""What to say of a wrong value where pydantic's own words do not help."""


def _split(value: Any) -> Any:
    """``a,b`` from the environment or a flag is a list; so is a flag given twice."""
    if isinstance(value, str):
        value = (value,)
    if isinstance(value, (list, tuple)) and all(isinstance(v, str) for v in value):
        return tuple(part.strip() for v in value for part in v.split(",") if part.strip())
    return value


Words = Annotated[tuple[str, ...], BeforeValidator(_split)]
Device = Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")]
Positive = Annotated[int, Field(ge=1)]
Amount = Annotated[float, Field(gt=0)]
Range = Annotated[tuple[float, float], BeforeValidator(_split)]


class Settings(BaseModel):
    """Everything a scan can be told. Field names are the keys of ``ich.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = "both"
    device: Device = "auto"
    batch: Positive | None = None
    threads: Positive | None = None
    precision: Literal["auto", "fp32", "fp16"] = "auto"
    out: Path = Path("ich-results")
    format: Words = ("csv", "json", "jsonl")
    quiet: bool = False
    verbose: bool = False
    log_file: Path | None = None
    all_series: bool = False
    series_uid: Words = ()
    include: Words = ()
    exclude: Words = ()
    keep_phi: bool = False
    html: bool = False
    previews: bool = False
    masks: Literal["nifti", "nrrd"] | None = None
    mllm: str | None = None
    mllm_url: ServerUrl | None = Field(default=None, repr=False)
    mllm_model: str | None = None
    prompt: str = "scan_review"
    only_uncertain: Range | None = None
    mllm_max_slices: Positive | None = None
    mllm_repeat: Positive = 1
    mllm_budget: Amount | None = None
    mllm_budget_tokens: Positive | None = None
    mllm_rpm: Amount | None = None
    mllm_concurrency: Positive = 4
    mllm_timeout: Amount = 90.0
    mllm_accept_prose: bool = False
    mllm_required: bool = False
    mllm_no_cache: bool = False
    mllm_dry_run: Path | None = None
    mllm_config: Path | None = None
    limit: Positive | None = None
    time_limit: Amount | None = None
    redo: bool = False
    retry_failed: bool = False
    since: str | None = None
    cron: bool = False
    nice: Annotated[int, Field(ge=0, le=19)] = 0
    watch: WatchSettings = WatchSettings()

    @field_validator("format")
    @classmethod
    def _known_formats(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in names if name not in FORMATS]
        if unknown or not names:
            raise ValueError(f"unknown format {unknown}; choose from {', '.join(FORMATS)}")
        return names


@dataclass(frozen=True, slots=True)
class Resolved:
    """Settings and where each of them came from.

    Attributes:
        settings: The values that apply.
        sources: Setting → ``flag --x``, ``environment ICH_X``, the file's path, or ``default``.
    """

    settings: Settings
    sources: Mapping[str, str]

    def facts(self) -> dict[str, dict[str, Any]]:
        """JSON-able ``{setting: {"value": …, "source": …}}``."""
        values = self.settings.model_dump(mode="json")
        return {
            name: {"value": value, "source": self.sources[name]} for name, value in values.items()
        }


def resolve(
    flags: Mapping[str, Any],
    *,
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Resolved:
    """Lay the four layers over each other.

    Args:
        flags: Values of the command line; ``None``, and an empty list, mean "not given".
        config: ``--config``; without it ``ICH_CONFIG``, ``./ich.yaml`` and the user's
            configuration folder are looked at, in this order.
        environ: The environment; that of the process by default.

    Raises:
        UsageError: A value is impossible, a key is unknown, or the file cannot be read;
            the message names the layer it came from.
    """
    environ = os.environ if environ is None else environ
    path = find_file(config, environ)
    values: dict[str, Any] = {}
    sources = dict.fromkeys(Settings.model_fields, "default")
    layers = (
        ({} if path is None else read_file(path), f"{path}"),
        (_from_environment(environ), "environment {variable}"),
        (_given(flags), "flag {flag}"),
    )
    for layer, source in layers:
        for name, value in layer.items():
            values[name] = value
            variable, flag = PREFIX + name.upper(), "--" + name.replace("_", "-")
            sources[name] = source.replace("{variable}", variable).replace("{flag}", flag)
    try:
        return Resolved(Settings.model_validate(values), sources)
    except ValidationError as error:
        raise UsageError(_explain(error, sources)) from None


def find_file(config: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The configuration file that applies, or ``None``.

    Raises:
        UsageError: A file was named and is not there.
    """
    named = config or (Path(environ["ICH_CONFIG"]) if environ.get("ICH_CONFIG") else None)
    if named is not None:
        if not named.is_file():
            raise UsageError(
                f"there is no configuration file {named}; correct --config or ICH_CONFIG"
            )
        return named
    home = environ.get("XDG_CONFIG_HOME")
    user = (Path(home) if home else Path.home() / ".config") / "ich" / FILE_NAME
    return next((path for path in (Path(FILE_NAME), user) if path.is_file()), None)


def read_file(path: Path) -> dict[str, Any]:
    """The settings of a YAML file; an empty file has none.

    Raises:
        UsageError: The file cannot be read, is no YAML mapping, or has an unknown key.
    """
    try:
        content = read_yaml(path.read_bytes(), path)
    except OSError as error:
        raise UsageError(f"{path}: cannot read the configuration ({error.strerror})") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(f"{path}: a configuration is a YAML mapping such as 'model: both'")
    found = {str(key).replace("-", "_"): value for key, value in content.items()}
    for key in found:
        _check_known(key, f"{path}: {key}")
    # A path in the file means a path beside the file, wherever the command is started.
    for key in _PATHS:
        if isinstance(found.get(key), str):
            found[key] = path.parent / Path(found[key]).expanduser()
    for key in _NAMES_OR_PATHS:
        if isinstance(found.get(key), str) and Path(found[key]).suffix in _OF_FILES:
            found[key] = str(path.parent / Path(found[key]).expanduser())
    return found


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values = {}
    for variable, value in environ.items():
        if not variable.startswith(PREFIX) or variable in _OTHER_VARIABLES or value == "":
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name in Settings.model_fields and name != "watch":
            values[name] = value
    return values


def _given(flags: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in flags.items() if value not in (None, (), [])}


def _check_known(key: str, where: str) -> None:
    if key in Settings.model_fields:
        return
    close = get_close_matches(key, Settings.model_fields, n=1)
    guess = f"did you mean {close[0]!r}?" if close else "`ich config show` lists all settings"
    raise UsageError(f"{where} is not a setting; {guess}")


def _explain(error: ValidationError, sources: Mapping[str, str]) -> str:
    first = error.errors(include_url=False)[0]
    setting = str(first["loc"][0]) if first["loc"] else "settings"
    message = _WANTED.get(setting) or first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = "there is no such setting; `ich config show` lists all"
    field = Settings.model_fields.get(setting)
    # A URL that was refused may hold a password.
    given = f" = {first.get('input')!r}" if field is None or field.repr else ""
    name = ".".join(str(part) for part in first["loc"] if isinstance(part, str)) or setting
    return f"{name}{given} ({sources.get(setting, 'unknown')}): {message}"
