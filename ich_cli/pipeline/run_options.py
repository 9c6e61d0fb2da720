"""What a run is told beside what to scan, and what it tells when it is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ich_cli.errors import ExitCode
from ich_cli.pipeline.accounts import FileAccounts
from ich_cli.pipeline.stop import Stop
from ich_cli.reports.record import RecordContext
from ich_cli.reports.table import Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Where a run writes, and what it notes about itself.

    Attributes:
        out: The output folder.
        formats: Names out of :data:`ich_cli.reports.FORMATS`; ``jsonl`` is always written.
        record: How results become records.
        result_settings: Settings that change results; with the model they decide what is new.
        redo: Analyse everything again.
        retry_failed: Analyse again what failed before.
        command: The command line, for ``run.json``.
        settings: All settings with their sources, for ``run.json``.
        device_asked: ``--device``, for ``run.json``.
        reader_facts: Tells, at the end, what the second reader was and cost.
        reader_required: A second opinion that could not be had makes the run incomplete.
        stop: Asked between series.
    """

    out: Path
    formats: tuple[str, ...] = ("csv", "json", "jsonl")
    record: RecordContext = field(default_factory=lambda: RecordContext(pseudonym=None))
    result_settings: Mapping[str, Any] = field(default_factory=dict)
    redo: bool = False
    retry_failed: bool = False
    command: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    device_asked: str = "auto"
    reader_facts: Callable[[], Mapping[str, Any]] | None = None
    reader_required: bool = False
    stop: Stop = field(default_factory=Stop)


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What a run came to.

    Attributes:
        exit_code: What the process ends with.
        summary: Of the scans whose files were found by this run, new and known ones.
        n_new: Scans that were analysed now.
        n_known: Scans that were known already.
        stopped: Why the run ended early, or ``None``.
        accounts: Where every file went.
        files: The reports.
    """

    exit_code: ExitCode
    summary: Summary
    n_new: int
    n_known: int
    stopped: str | None
    accounts: FileAccounts
    files: tuple[Path, ...]
