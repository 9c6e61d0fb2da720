"""The second reader as the pipeline calls it."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from ich_cli.config import Settings
from ich_cli.domain import Assessment, SecondOpinion, SlicePrediction, Volume
from ich_cli.errors import UsageError
from ich_cli.mllm.second_reader import read, wanted
from ich_cli.mllm.settings import MllmSettings, Reader, build_reader


def reader_of(settings: Settings) -> Reader | None:
    """Make the second reader that was asked for; without ``--mllm`` or ``--mllm-url`` none.

    Raises:
        UsageError: A setting cannot be used, or a key is missing.
    """
    if settings.mllm is None and settings.mllm_url is None:
        return None
    try:
        asked = MllmSettings(
            provider=settings.mllm,
            model=settings.mllm_model,
            url=settings.mllm_url,
            prompt=settings.prompt,
            max_slices=settings.mllm_max_slices,
            only_uncertain=settings.only_uncertain,
            repeat=settings.mllm_repeat,
            accept_prose=settings.mllm_accept_prose,
            dry_run=settings.mllm_dry_run,
            budget_usd=settings.mllm_budget,
            budget_tokens=settings.mllm_budget_tokens,
            rpm=settings.mllm_rpm,
            concurrency=settings.mllm_concurrency,
            timeout_s=settings.mllm_timeout,
            use_cache=not settings.mllm_no_cache,
            config=settings.mllm_config,
        )
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise UsageError(f"second reader: {message}") from None
    return build_reader(asked)


def ask(
    reader: Reader, volume: Volume, prediction: SlicePrediction, assessment: Assessment
) -> SecondOpinion | None:
    """An opinion on one scan, or ``None`` where ``--only-uncertain`` leaves it out."""
    if not wanted(assessment, reader):
        return None
    return read(volume, prediction, assessment, reader)


def what_changes_results(reader: Reader | None) -> dict[str, Any] | None:
    """The part of the reader's settings by which a record differs."""
    if reader is None:
        return None
    settings = reader.settings
    return {
        "reader": reader.label,
        "host": reader.host,
        "prompt": reader.prompt.sha256,
        "slices": settings.max_slices,
        "repeat": settings.repeat,
        "only_uncertain": settings.only_uncertain,
        "dry_run": settings.dry_run is not None,
    }
