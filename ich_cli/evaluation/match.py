"""Which result belongs to which truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ich_cli.domain import LABELS
from ich_cli.evaluation.labels import LabelSet, Truth
from ich_cli.evaluation.results import ScoredScan, ScoredSlice

Alias = Callable[[str], str]
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class ScanCase:
    """A scan with its truth."""

    scan: ScoredScan
    truth: Truth


@dataclass(frozen=True, slots=True)
class SliceCase:
    """A slice with its truth, and the scan it is of."""

    scan: ScoredScan
    slice: ScoredSlice
    truth: Truth


@dataclass(frozen=True, slots=True)
class Matched:
    """All pairs, and what found no partner."""

    scans: tuple[ScanCase, ...]
    slices: tuple[SliceCase, ...]
    unlabelled: tuple[ScoredScan, ...]
    unscanned: tuple[Truth, ...]


def match(results: Sequence[ScoredScan], labels: LabelSet, alias: Alias | None = None) -> Matched:
    """Pair results with truths.

    A scan is found by its series UID, study UID or patient, in this order; UIDs exactly,
    patients without regard to case and punctuation. A scan that only its slices are
    labelled of gets its truth from them: positive if any slice is, negative only if every
    slice has a label and none is positive.

    Args:
        results: Of one run.
        labels: The truth.
        alias: Turns an id of the labels into the pseudonym that the results carry.
    """
    by_name = index_by_name(labels.scans, alias)
    scans, unlabelled = [], []
    slices: list[SliceCase] = []
    seen: set[str] = set()
    for scan in results:
        slices.extend(
            SliceCase(scan, one, labels.slices[one.sop_uid])
            for one in scan.slices
            if one.sop_uid in labels.slices
        )
        of_slices = [labels.slices[uid] for uid in scan.sop_uids if uid in labels.slices]
        seen.update(truth.id for truth in of_slices)
        truth = next((by_name[n] for n in names_of_scan(scan) if n in by_name), None)
        if truth is not None:
            seen.add(truth.id)
        else:
            truth = _from_slices(scan, of_slices)
        if truth is None:
            unlabelled.append(scan)
        else:
            scans.append(ScanCase(scan, truth))
    wanted = labels.scans or labels.slices
    return Matched(
        scans=tuple(scans),
        slices=tuple(slices),
        unlabelled=tuple(unlabelled),
        unscanned=tuple(truth for key, truth in wanted.items() if key not in seen),
    )


def index_by_name(rows: Mapping[str, Row], alias: Alias | None) -> dict[tuple[str, str], Row]:
    """Rows under every name they may be asked for by: see :func:`names_of_scan`."""
    index: dict[tuple[str, str], Row] = {}
    for key, row in rows.items():
        names = [("exact", key), ("patient", plain(key))]
        if alias is not None:
            names.append(("exact", alias(key)))
        for name in names:
            index.setdefault(name, row)
    return index


def names_of_scan(scan: ScoredScan) -> tuple[tuple[str, str], ...]:
    """Names to look a scan up by. UIDs only exactly: without their dots two may be alike."""
    return (
        *(("exact", name) for name in (scan.series_uid, scan.study_uid, scan.patient)),
        ("patient", plain(scan.patient)),
    )


def plain(name: str) -> str:
    """Letters and digits only, lower case: ``CQ500-CT-1`` and ``CQ500CT1`` are one."""
    return "".join(character for character in name.lower() if character.isalnum())


def _from_slices(scan: ScoredScan, truths: Sequence[Truth]) -> Truth | None:
    if not truths:
        return None
    whole = len(truths) == len(scan.sop_uids)
    present: dict[str, bool | None] = {}
    for label in LABELS:
        values = [truth.present.get(label) for truth in truths]
        if any(values):
            present[label] = True
        else:
            present[label] = False if whole and all(v is False for v in values) else None
    return Truth(scan.series_uid, present)
