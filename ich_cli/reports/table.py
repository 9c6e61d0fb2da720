"""The summary on the terminal: positives first, then the counts by status and reason."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ich_cli.domain import SUBTYPES, Status

MAX_ROWS = 40

_COLOURS = {
    Status.POSITIVE.value: "bold red",
    Status.INDETERMINATE.value: "yellow",
    Status.FAILED.value: "magenta",
    Status.NOT_ANALYSABLE.value: "cyan",
    Status.NEGATIVE.value: "green",
}
_ORDER = {status: rank for rank, status in enumerate(_COLOURS)}


@dataclass(frozen=True, slots=True)
class Summary:
    """The most urgent records and the counts over all of them."""

    rows: tuple[Mapping[str, Any], ...]
    status_counts: Mapping[str, int]
    reason_counts: Mapping[str, int]

    @property
    def n_scans(self) -> int:
        """All records, shown or not."""
        return sum(self.status_counts.values())


def summarise(records: Iterable[Mapping[str, Any]], max_rows: int = MAX_ROWS) -> Summary:
    """Count all records and keep the ``max_rows`` most urgent, in order of urgency."""
    statuses: Counter[str] = Counter()
    reasons: Counter[str] = Counter()

    def counted() -> Iterable[Mapping[str, Any]]:
        for record in records:
            statuses[record["status"]] += 1
            if record["reason"]:
                reasons[record["reason"]["code"]] += 1
            yield {k: v for k, v in record.items() if k != "slices"}

    rows = heapq.nsmallest(max_rows, counted(), key=_urgency)
    return Summary(tuple(rows), dict(statuses), dict(reasons))


def render(summary: Summary) -> RenderableType:
    """The summary as something that rich can print."""
    table = Table(title="Head CT scans", title_justify="left", pad_edge=False)
    for name in ("status", "patient", "date", "series"):
        table.add_column(name, overflow="fold")
    for name in ("slices", "any", "mL"):
        table.add_column(name, justify="right")
    second_reader = any(row["second_reader"] for row in summary.rows)
    for name in ("subtypes", "where", *(["second reader"] if second_reader else []), "note"):
        table.add_column(name, overflow="fold")
    for row in summary.rows:
        style = "dim" if row["status"] == Status.NEGATIVE.value else ""
        table.add_row(*_cells(row, second_reader=second_reader), style=style)
    parts: list[RenderableType] = [table]
    hidden = summary.n_scans - len(summary.rows)
    if hidden:
        parts.append(Text(f"… and {hidden} more, less urgent; all are in the reports", "dim"))
    parts.append(_counts_line(summary))
    return Group(*parts)


def _urgency(record: Mapping[str, Any]) -> tuple[int, float]:
    probs = record["probs"] or {}
    return _ORDER[record["status"]], -(probs.get("any") or 0.0)


def _cells(record: Mapping[str, Any], *, second_reader: bool) -> list[str | Text]:
    probs, calls = record["probs"] or {}, record["calls"] or {}
    called = [s.value for s in SUBTYPES if calls.get(s.value)]
    opinion = record["second_reader"] or {}
    ml = (record["total_ml"] or {}).get("value")
    patient = record["patient_id"] or ""
    return [
        Text(record["status"], _COLOURS[record["status"]]),
        escape(patient[:10]),
        escape(record["study_date"] or ""),
        escape((record["series_description"] or "")[:24]),
        str(record["acquisition"]["n_slices"]),
        "" if probs.get("any") is None else f"{probs['any']:.2f}",
        "" if ml is None or record["status"] == Status.NEGATIVE.value else f"{ml:.1f}",
        " ".join(called),
        escape(_where(record)),
        *([escape(opinion.get("tier") or "")] if second_reader else []),
        escape(_note(record)),
    ]


def _where(record: Mapping[str, Any]) -> str:
    if not (record["calls"] or {}).get("any"):
        return ""
    side, location = record["side"], record["location"]
    if location and side and side in location:
        return str(location)
    return " ".join(part for part in (side, location) if part)


def _note(record: Mapping[str, Any]) -> str:
    reason = record["reason"]
    if reason:
        detail = reason["detail"]
        return f"{reason['code']}: {detail}" if detail else str(reason["code"])
    return " ".join(record["flags"])


def _counts_line(summary: Summary) -> Text:
    line = Text(f"{summary.n_scans} scans")
    for status, colour in _COLOURS.items():
        count = summary.status_counts.get(status, 0)
        if count:
            line.append("  ").append(f"{count} {status}", colour)
    for code, count in Counter(summary.reason_counts).most_common():
        line.append(f"\n   {count} × {code}", "dim")
    return line
