"""A comparison from files to tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ich_cli.errors import UsageError
from ich_cli.evaluation.compare import common_cases, compare
from ich_cli.evaluation.labels import Truth
from ich_cli.evaluation.layouts import load_labels
from ich_cli.evaluation.match import Alias, Matched, match
from ich_cli.evaluation.presence import Resampling
from ich_cli.evaluation.protocol import draw_cases
from ich_cli.evaluation.readers import (
    Level,
    Reader,
    case_id,
    is_recorded,
    load_sources,
    names_of,
    network_readers,
    recorded_reader,
)
from ich_cli.evaluation.results import ScoredScan
from ich_cli.evaluation.tables import Table

Thresholds = Callable[[Sequence[ScoredScan]], Mapping[str, float] | None]


@dataclass(frozen=True, slots=True)
class Experiment:
    """The tables of a comparison and what a reader must know."""

    tables: tuple[Table, ...]
    notes: tuple[str, ...]


def run_experiment(
    sources: Sequence[Path],
    labels: Path,
    how: Resampling,
    *,
    layout: str | None = None,
    level: Level | None = None,
    protocol: str = "patients",
    alias: Alias | None = None,
    thresholds: Thresholds = lambda _: None,
) -> Experiment:
    """Compare readers on the cases that all of them answered.

    Args:
        sources: Results files or folders, and CSVs of recorded answers.
        labels: The truth.
        how: Draws and seed.
        layout: Of the labels; found out when ``None``.
        level: Scans or slices; slices when the labels know only them, or the protocol draws them.
        protocol: ``patients`` or ``slices10``.
        alias: Pseudonym of a patient.
        thresholds: Slice thresholds of the network of a results file.

    Raises:
        UsageError: A source cannot be read, or no case is common to all readers.
    """
    scanned = load_sources(sources)
    truth = load_labels(labels, layout)
    matches = {path: match(scans, truth, alias) for path, scans in scanned.items()}
    level = level or ("slice" if protocol == "slices10" else _natural_level(matches))
    truths, patients = _cases(matches.values(), level)
    if not truths:
        raise UsageError(f"no label of {labels} belongs to a result by {level}; see 'ich evaluate'")
    names = names_of(scanned)
    readers: list[Reader] = []
    for path in sources:
        if is_recorded(path):
            readers.append(recorded_reader(path, level, next(iter(matches.values())), alias))
        else:
            scans = scanned[path]
            readers += network_readers(names[path], scans, level, thresholds(scans))
    drawn, warnings = draw_cases(tuple(truths), patients, protocol, how.seed)
    cases = common_cases(readers, truths, patients, drawn)
    if not cases:
        raise UsageError("no case was answered by every reader; compare readers of the same scans")
    recorded = [r.name for r in readers if r.recorded]
    notes = [f"{name}: recorded answers, not made by this program." for name in recorded]
    return Experiment(compare(readers, cases, drawn, how), (*warnings, *notes, *truth.notes))


def _natural_level(matches: Mapping[Path, Matched]) -> Level:
    """Slices where the labels are of slices: scans' truths are then only derived from them."""
    return "slice" if any(matched.slices for matched in matches.values()) else "scan"


def _cases(matches: Iterable[Matched], level: Level) -> tuple[dict[str, Truth], dict[str, str]]:
    truths: dict[str, Truth] = {}
    patients: dict[str, str] = {}
    for matched in matches:
        if level == "scan":
            for case in matched.scans:
                truths.setdefault(case_id(case.scan), case.truth)
                patients.setdefault(case_id(case.scan), case.scan.patient)
        else:
            for one in matched.slices:
                truths.setdefault(one.slice.sop_uid, one.truth)
                patients.setdefault(one.slice.sop_uid, one.scan.patient)
    return truths, patients
