"""The worklist: one row a scan, the most urgent first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ich_cli.domain import LARGE_ML, SUBTYPES, file_stem
from ich_cli.reports.html_words import date, millilitres, moment, probability, words

Record = Mapping[str, Any]

STATUS_ORDER = ("positive", "indeterminate", "failed", "not_analysable", "negative")
"""A scan that nobody could read waits for a person, so it stands before the negatives."""

STATUS_WORDS = {
    "positive": "positive",
    "indeterminate": "indeterminate",
    "failed": "failed",
    "not_analysable": "not analysable",
    "negative": "negative",
}
SHIFT_MM = 5.0
URGENCY = (
    f"Sorted by urgency: positive scans first (at least {LARGE_ML:.0f} mL, below the tentorium, or "
    f"midline shifted by {SHIFT_MM:.0f} mm before the rest, then by volume and probability), then "
    "indeterminate, then scans that could not be read, then negative ones (a disagreeing second "
    "reader first)."
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the worklist: what is shown, and what is sorted and filtered by."""

    name: str
    rank: int
    status: str
    status_words: str
    any_prob: str
    any_prob_value: float | None
    subtypes: tuple[str, ...]
    ml: str
    ml_value: float | None
    side: str
    location: str
    tier: str
    alerts: tuple[str, ...]
    reason: str
    patient: str
    when: str
    series: str
    n_slices: str


def worklist(records: Sequence[Record]) -> list[tuple[Row, Record]]:
    """Rows with their records, the most urgent first; equal ones in the order of the file."""
    ordered = sorted(records, key=urgency)
    return [(_row(record, rank), record) for rank, record in enumerate(ordered, start=1)]


def urgency(record: Record) -> tuple[float, ...]:
    """Sort key, smallest first; see ``URGENCY``."""
    status = record["status"]
    order = STATUS_ORDER.index(status) if status in STATUS_ORDER else len(STATUS_ORDER)
    tier = (record.get("second_reader") or {}).get("tier")
    ml = (record.get("total_ml") or {}).get("value")
    return (
        order,
        0 if status == "positive" and alerts(record) else 1,
        0 if tier == "disagree" and status == "negative" else 1,
        -(ml if status == "positive" and ml is not None else 0.0),
        -((record.get("probs") or {}).get("any") or 0.0),
    )


def alerts(record: Record) -> tuple[str, ...]:
    """Facts that move a positive scan up, in words."""
    found = []
    ml = (record.get("total_ml") or {}).get("value")
    if ml is not None and ml >= LARGE_ML:
        found.append(f"≥ {LARGE_ML:.0f} mL")
    if _measured(record, "infratentorial") is True:
        found.append("infratentorial")
    shift = _measured(record, "midline_shift_mm")
    if isinstance(shift, (int, float)) and abs(shift) >= SHIFT_MM:
        found.append(f"shift {abs(shift):.0f} mm")
    return tuple(found)


def called(record: Record) -> tuple[str, ...]:
    """The subtypes that were called, in the usual order."""
    calls = record.get("calls") or {}
    return tuple(s.value for s in SUBTYPES if calls.get(s.value))


def _measured(record: Record, name: str) -> Any:
    return (record.get("measurements") or {}).get(name, {}).get("value")


def _row(record: Record, rank: int) -> Row:
    probs, reason = record.get("probs") or {}, record.get("reason") or {}
    acquisition, acquired = record.get("acquisition") or {}, record.get("acquisition_datetime")
    status: str = record["status"]
    n_slices = acquisition.get("n_slices")
    return Row(
        name=file_stem(record["study_uid"], record["series_uid"], record.get("series_part") or 0),
        rank=rank,
        status=status,
        status_words=STATUS_WORDS.get(status, status),
        any_prob=probability(probs.get("any")),
        any_prob_value=probs.get("any"),
        subtypes=called(record),
        ml=millilitres(record.get("total_ml")),
        ml_value=(record.get("total_ml") or {}).get("value"),
        side=record.get("side") or "",
        location=words(record.get("location")) if record.get("location") else "",
        tier=(record.get("second_reader") or {}).get("tier") or "",
        alerts=alerts(record) if status == "positive" else (),
        reason=words(reason.get("code")) if reason else "",
        patient=record.get("patient_id") or "",
        when=moment(acquired) if acquired else date(record.get("study_date")),
        series=record.get("series_description") or "",
        n_slices="" if n_slices is None else str(n_slices),
    )
