"""What a user can set about the second reader, and the reader made from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ich_cli.errors import OutputError, UsageError
from ich_cli.mllm.address import ServerUrl, host_of
from ich_cli.mllm.budget import Budget
from ich_cli.mllm.cache import AnswerCache
from ich_cli.mllm.config import ProviderConfig, cache_folder, load_config
from ich_cli.mllm.gate import Gate
from ich_cli.mllm.keys import find_key
from ich_cli.mllm.prompts import Prompt, find_prompt
from ich_cli.mllm.sampling import Sampling
from ich_cli.mllm.transport import Patience
from ich_cli.mllm.wire import Endpoint, Provider

SPREAD = 0.7
"""Temperature of repeated asking: at 0 every sample would be the same."""

DEADLINE_S = 300.0
"""Limit of a request with all its tries, where a single try may not take longer than half of it."""

NO_KEY_NEEDED = frozenset({"compatible"})


class MllmSettings(BaseModel):
    """All options of the second reader.

    Attributes:
        provider: ``openai``, ``gemini``, ``claude`` or ``compatible``; with ``url`` alone it
            is ``compatible``.
        model: Name of the model; ``None`` takes the configured one.
        url: Base URL of another server. With ``openai`` or no provider it must speak OpenAI's
            chat completions; with ``gemini`` or ``claude`` that provider's own format.
        prompt: Id of a prompt that ships, or the path of a YAML file.
        max_slices: Replaces the prompt's own number of slices.
        only_uncertain: Ask only when the network's probability is in this closed range.
        repeat: Ask so many times and take the majority.
        accept_prose: Take an answer out of surrounding text (servers without JSON mode).
        dry_run: Write the exact requests to this folder instead of sending them.
        budget_usd: Most dollars of a run; has effect only where a price is known.
        budget_tokens: Most tokens of a run, in and out together.
        rpm: Most requests a minute.
        concurrency: Most requests at once.
        timeout_s: Limit of one try.
        deadline_s: Limit of one request with all its tries; ``None`` takes 300 s, or more where
            that leaves no room for two tries of ``timeout_s``.
        attempts: Tries of one request.
        backoff_s: First wait after a failure.
        outage_after: After so many failed requests in a row each gets a single try.
        max_output_tokens: Limit of one answer, thinking included.
        cache: Folder of answers; ``None`` takes the user's cache folder.
        use_cache: ``False`` neither reads nor writes it.
        config: The user's own table of providers and prices.
    """

    # A URL that was refused may hold a password: no error repeats what was given.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    provider: str | None = None
    model: str | None = None
    url: ServerUrl | None = None
    prompt: str = "scan_review"
    max_slices: int | None = Field(default=None, ge=1, le=40)
    only_uncertain: tuple[float, float] | None = None
    repeat: int = Field(default=1, ge=1, le=25)
    accept_prose: bool = False
    dry_run: Path | None = None
    budget_usd: float | None = Field(default=None, ge=0)
    budget_tokens: int | None = Field(default=None, ge=0)
    rpm: float | None = Field(default=None, gt=0)
    concurrency: int = Field(default=4, ge=1, le=64)
    timeout_s: float = Field(default=90.0, gt=0)
    deadline_s: float | None = Field(default=None, gt=0)
    attempts: int = Field(default=4, ge=1, le=20)
    backoff_s: float = Field(default=1.0, ge=0)
    outage_after: int = Field(default=5, ge=1)
    max_output_tokens: int = Field(default=8192, ge=64)
    cache: Path | None = None
    use_cache: bool = True
    config: Path | None = None

    @model_validator(mode="after")
    def _consistent(self) -> MllmSettings:
        if self.provider is None and self.url is None:
            raise ValueError("name a provider (--mllm) or a server (--mllm-url)")
        if self.only_uncertain is not None:
            low, high = self.only_uncertain
            if not 0.0 <= low <= high <= 1.0:
                raise ValueError("--only-uncertain wants 0 <= LOW <= HIGH <= 1")
        return self


@dataclass(frozen=True, slots=True)
class Reader:
    """A second reader, ready to read. Built once a run, used from any thread."""

    settings: MllmSettings
    provider_name: str
    company: str
    endpoint: Endpoint
    model: str
    prompt: Prompt
    provider: Provider
    max_side_px: int
    sampling: Sampling
    gate: Gate
    budget: Budget
    patience: Patience
    cache: AnswerCache | None

    @property
    def label(self) -> str:
        """The name in reports, such as ``gemini/gemini-3.8-flash``."""
        return f"{self.provider_name}/{self.model}"

    @property
    def host(self) -> str:
        """Where the pictures go."""
        return host_of(self.endpoint.base_url)

    def describe(self) -> dict[str, Any]:
        """The facts for the run's record."""
        return {
            "reader": self.label,
            "host": self.host,
            "prompt": self.prompt.id,
            "prompt_version": self.prompt.version,
            "prompt_sha256": self.prompt.sha256,
            "repeat": self.settings.repeat,
            **asdict(self.budget.spent),
            "cost_usd": self.budget.spent.usd(self.budget.price),
            "price_known": self.budget.price is not None,
        }


def build_reader(settings: MllmSettings) -> Reader:
    """Make the reader: load the prompt, find the key, connect the SDK. Sends nothing.

    Raises:
        UsageError: Something is missing or unknown; the message says what to do.
    """
    from ich_cli.mllm.providers import REGISTRY, make_provider
    from ich_cli.mllm.providers.http import make_client

    config = load_config(settings.config)
    name = settings.provider or "compatible"
    if name not in REGISTRY or name not in config.providers:
        raise UsageError(f"no provider {name!r}; --mllm takes one of: {', '.join(REGISTRY)}")
    if name == "openai" and settings.url is not None:
        name = "compatible"
    table = config.providers[name]
    endpoint = _endpoint(settings, name, table)
    model = settings.model or table.model
    if not model:
        raise UsageError("name the model that the server offers with --mllm-model")
    prompt = _planned(find_prompt(settings.prompt), settings.max_slices)
    if settings.dry_run is not None:
        _make_folder(settings.dry_run)
    price = config.prices.get(model) if settings.url is None else None
    temperature = SPREAD if settings.repeat > 1 and table.temperature is not None else None
    folder = settings.cache or cache_folder()
    return Reader(
        settings=settings,
        provider_name=name,
        company=table.company if settings.url is None else "the operator of that server",
        endpoint=endpoint,
        model=model,
        prompt=prompt,
        provider=make_provider(name, endpoint, make_client(endpoint.base_url, settings.timeout_s)),
        max_side_px=table.max_side_px,
        sampling=Sampling(table.temperature if temperature is None else temperature, table.seed),
        gate=Gate(settings.concurrency, settings.rpm, settings.outage_after),
        budget=Budget(price, settings.budget_usd, settings.budget_tokens),
        patience=Patience(
            attempts=settings.attempts,
            base_s=settings.backoff_s,
            timeout_s=settings.timeout_s,
            deadline_s=settings.deadline_s or max(DEADLINE_S, 2 * settings.timeout_s),
        ),
        cache=AnswerCache(folder) if settings.use_cache else None,
    )


def _endpoint(settings: MllmSettings, name: str, table: ProviderConfig) -> Endpoint:
    base_url = settings.url or table.base_url
    if base_url is None:
        raise UsageError("name the server with --mllm-url")
    # A provider's key goes to that provider only; another server gets a key of its own.
    variables = ("ICH_MLLM_API_KEY",) if settings.url is not None else table.key_variables
    key = find_key("url" if settings.url is not None else name, variables)
    if (
        key is None
        and settings.dry_run is None
        and settings.url is None
        and name not in NO_KEY_NEEDED
    ):
        raise UsageError(
            f"no key for {name}: set {' or '.join(variables)}, or store one with "
            f"'keyring set ich {name}'"
        )
    return Endpoint(base_url, key or "none")


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise OutputError(f"cannot write the dry run to {path}: {err.strerror}") from None


def _planned(prompt: Prompt, max_slices: int | None) -> Prompt:
    if max_slices is None:
        return prompt
    images = prompt.images.model_copy(update={"slices": max_slices})
    return prompt.model_copy(update={"images": images})
