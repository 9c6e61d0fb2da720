"""Readers to be compared: a network, its second reader, or a file of recorded answers.

A reader is a name and an answer for every case it judged; a case is a scan or a slice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ich_cli.domain import LABELS
from ich_cli.errors import UsageError
from ich_cli.evaluation.cases import ANALYSED, SLICE_THRESHOLD
from ich_cli.evaluation.layouts import own_csv
from ich_cli.evaluation.match import Alias, Matched, index_by_name, names_of_scan
from ich_cli.evaluation.results import Answer, ScoredScan, load_results

Level = Literal["scan", "slice"]


@dataclass(frozen=True, slots=True)
class Reader:
    """Answers by case; a case without an answer is absent. ``recorded``: from a CSV."""

    name: str
    answers: Mapping[str, Answer]
    recorded: bool = False


def is_recorded(path: Path) -> bool:
    """Whether a source is a table of answers instead of results of a scan."""
    return path.suffix.lower() in (".csv", ".tsv", ".txt")


def network_readers(
    name: str,
    scans: Sequence[ScoredScan],
    level: Level,
    thresholds: Mapping[str, float] | None = None,
) -> list[Reader]:
    """The network of a results file, and at scan level its second reader where it has one.

    Args:
        name: What to call the network.
        scans: Of one results file.
        level: What a case is.
        thresholds: For slices, by label; .5 where unknown.
    """
    if level == "slice":
        return [Reader(name, _slice_answers(scans, thresholds or {}))]
    network = {case_id(scan): scan.answer for scan in scans if scan.status in ANALYSED}
    readers = [Reader(name, network)]
    labels = sorted({scan.reader for scan in scans if scan.reader})
    for label in labels:
        answers = {
            case_id(scan): scan.opinion
            for scan in scans
            if scan.reader == label and scan.opinion and scan.opinion.calls.get("any") is not None
        }
        if answers:
            readers.append(Reader(f"{label} (beside {name})", answers))
    return readers


def recorded_reader(path: Path, level: Level, matched: Matched, alias: Alias | None) -> Reader:
    """Answers recorded in a CSV of the own layout: an id, any and subtypes as 0/1, mL, side.

    Raises:
        UsageError: The file is no such table, or holds no answers of this level.
    """
    table = own_csv.read(path)
    rows = table.slices if level == "slice" else table.scans
    if not rows:
        raise UsageError(
            f"{path} holds no answers by {level}; compare with --level, or name the ids"
        )
    known = {
        key: Answer(calls=row.present, ml=row.ml, side=row.side, region=row.region)
        for key, row in rows.items()
        if row.present.get("any") is not None
    }
    if level == "slice":
        return Reader(path.stem, known, recorded=True)
    by_name = index_by_name(known, alias)
    answers = {}
    for case in matched.scans:
        names = (*names_of_scan(case.scan), ("exact", case.truth.id))
        found = next((by_name[name] for name in names if name in by_name), None)
        if found is not None:
            answers[case_id(case.scan)] = found
    return Reader(path.stem, answers, recorded=True)


def case_id(scan: ScoredScan) -> str:
    """Identity of a scan over several results files."""
    return f"{scan.study_uid}/{scan.series_uid}/{scan.part}"


def load_sources(paths: Sequence[Path]) -> dict[Path, tuple[ScoredScan, ...]]:
    """The results files among the sources.

    Raises:
        UsageError: There is none, or one cannot be read.
    """
    found = {path: load_results(path) for path in paths if not is_recorded(path)}
    if not found:
        raise UsageError("compare needs at least one results.json of 'ich scan'")
    return found


def names_of(sources: Mapping[Path, Sequence[ScoredScan]]) -> dict[Path, str]:
    """Network names, made different by their folder where two files hold the same network."""
    names = {}
    for path, scans in sources.items():
        models = sorted({scan.model for scan in scans if scan.model})
        names[path] = "+".join(models) or path.stem
    shared = {name for name in names.values() if list(names.values()).count(name) > 1}
    for path, name in names.items():
        if name in shared:
            folder = path.name if path.is_dir() else path.parent.name
            names[path] = f"{name} ({folder})"
    return names


def _slice_answers(
    scans: Sequence[ScoredScan], thresholds: Mapping[str, float]
) -> dict[str, Answer]:
    answers = {}
    for scan in scans:
        for one in scan.slices:
            calls = {}
            for label in LABELS:
                prob = one.probs.get(label)
                limit = thresholds.get(label, SLICE_THRESHOLD)
                calls[label] = None if prob is None else prob >= limit
            if calls["any"] is not None:
                answers[one.sop_uid] = Answer(probs=one.probs, calls=calls)
    return answers
