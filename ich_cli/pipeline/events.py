"""What the pipeline tells whoever listens; it prints and logs nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ich_cli.domain import ScanResult, Series


@dataclass(frozen=True, slots=True)
class FilesSeen:
    """Discovery has looked at ``count`` files so far."""

    count: int


@dataclass(frozen=True, slots=True)
class Planned:
    """Discovery and selection are done."""

    n_files: int
    n_series: int
    n_candidates: int


@dataclass(frozen=True, slots=True)
class Started:
    """Work on candidate ``index`` (from 0) of ``total`` has begun."""

    index: int
    total: int
    series: Series


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something unexpected happened to one series; the run goes on.

    ``error`` is for the log file only: its text may hold header values.
    """

    series: Series
    stage: str
    error: Exception


@dataclass(frozen=True, slots=True)
class Finished:
    """Candidate ``index`` of ``total`` has its result."""

    index: int
    total: int
    result: ScanResult


Event = FilesSeen | Planned | Started | Trouble | Finished
Listener = Callable[[Event], None]


def ignore(_: Event) -> None:
    """Listens to nothing."""
