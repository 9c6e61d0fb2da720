"""From settings to the parts of a run: network, rules, writers, names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from ich_cli.config import Resolved, Settings
from ich_cli.dicom.rules import SelectionRules
from ich_cli.domain import Series
from ich_cli.mllm.settings import Reader
from ich_cli.models.model import Model, load_model
from ich_cli.pipeline.artefacts import (
    MASKS,
    WriteArtefact,
    label_volumes,
    montages,
    previews,
    slice_images,
)
from ich_cli.pipeline.options import ScanRequest
from ich_cli.pipeline.privacy import load_key, pseudonym
from ich_cli.pipeline.run import RunOptions
from ich_cli.pipeline.second_opinion import ask, reader_of, what_changes_results
from ich_cli.pipeline.since import moment_of
from ich_cli.pipeline.stop import Stop
from ich_cli.reports.record import RecordContext


@dataclass(frozen=True, slots=True)
class Assembly:
    """Everything :func:`ich_cli.pipeline.run.run` needs.

    Attributes:
        series_name: The name of a series in log lines.
        reader: The second reader, if one was asked for.
    """

    request: ScanRequest
    network: Model
    options: RunOptions
    series_name: Callable[[Series], str]
    reader: Reader | None


def assemble(inputs: tuple[Path, ...], resolved: Resolved, command: Sequence[str]) -> Assembly:
    """Load the network and put the parts together; nothing is written yet.

    Raises:
        UsageError: A setting cannot be used.
        ModelError: The network cannot be loaded.
        DeviceError: The device that was asked for is not there.
    """
    settings = resolved.settings
    network = load_model(
        settings.model,
        device=settings.device,
        threads=settings.threads,
        batch=settings.batch,
        precision=settings.precision,
    )
    rename = partial(pseudonym, key=load_key())
    reader = reader_of(settings)
    return Assembly(
        request=ScanRequest(
            inputs=inputs,
            # Where results are put among the scans, the masks all the same are no scans.
            leave_out=(settings.out, settings.out / MASKS),
            rules=_rules(settings),
            limit=settings.limit,
            since=_since(settings),
            second_reader=None if reader is None else partial(ask, reader),
            artefacts=_artefacts(settings),
        ),
        network=network,
        options=RunOptions(
            out=settings.out,
            formats=_formats(settings),
            record=RecordContext(pseudonym=None if settings.keep_phi else rename),
            result_settings=_result_settings(settings, reader),
            redo=settings.redo,
            retry_failed=settings.retry_failed,
            command=command,
            settings=resolved.facts(),
            device_asked=settings.device,
            reader_facts=None if reader is None else reader.describe,
            reader_required=settings.mllm_required,
            stop=Stop(settings.time_limit),
        ),
        series_name=lambda series: f"series {rename(series.series_uid)[:8] or 'without UID'}",
        reader=reader,
    )


def _formats(settings: Settings) -> tuple[str, ...]:
    """The formats that were asked for; ``--html`` is one of them by another name."""
    return tuple(dict.fromkeys((*settings.format, *(("html",) if settings.html else ()))))


def _artefacts(settings: Settings) -> tuple[tuple[str, WriteArtefact], ...]:
    writers: list[tuple[str, WriteArtefact]] = []
    if "html" in _formats(settings):
        writers.append(("images", slice_images(settings.out, settings.keep_phi)))
    if settings.previews:
        writers.append(("preview", previews(settings.out, settings.keep_phi)))
        writers.append(("montage", montages(settings.out, settings.keep_phi)))
    if settings.masks is not None:
        writers.append(("masks", label_volumes(settings.out, settings.masks)))
    return tuple(writers)


def _since(settings: Settings) -> datetime | None:
    if settings.since is None:
        return None
    return moment_of(settings.since, datetime.now().astimezone())


def _rules(settings: Settings) -> SelectionRules:
    return SelectionRules(
        all_series=settings.all_series,
        series_uid=settings.series_uid,
        include=settings.include,
        exclude=settings.exclude,
    )


def _result_settings(settings: Settings, reader: Reader | None) -> dict[str, Any]:
    """What changes a record: with other values the same files are new work."""
    return {
        "keep_phi": settings.keep_phi,
        "precision": settings.precision,
        "html": "html" in _formats(settings),
        "previews": settings.previews,
        "masks": settings.masks,
        "second_reader": what_changes_results(reader),
    }
