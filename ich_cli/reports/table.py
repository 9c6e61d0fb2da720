"""The summary on the terminal: positives first, then the counts by status and reason."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
_JUDGED = (
    *("status", "patient", "date", "series", "any", "mL", "subtypes", "where"),
    "second reader",
)
_UNREAD = ("status", "patient", "date", "series", "why")
_IF_WIDE = frozenset({"date", "series"})
_WIDE = 110
_RIGHT = frozenset({"any", "mL"})
_WHOLE = frozenset({"status", "patient", "date", "any", "mL", "series"})
_ORDER = {status: rank for rank, status in enumerate(_COLOURS)}


@dataclass(frozen=True, slots=True)
class Summary:
    """The most urgent records and the counts over all of them."""

    rows: tuple[Mapping[str, Any], ...]
    status_counts: Mapping[str, int]
    reason_counts: Mapping[str, int]
    tier_counts: Mapping[str, int]

    @property
    def n_scans(self) -> int:
        """All records, shown or not."""
        return sum(self.status_counts.values())


def summarise(records: Iterable[Mapping[str, Any]], max_rows: int = MAX_ROWS) -> Summary:
    """Count all records and keep the ``max_rows`` most urgent, in order of urgency."""
    statuses: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    tiers: Counter[str] = Counter()

    def counted() -> Iterable[Mapping[str, Any]]:
        for record in records:
            statuses[record["status"]] += 1
            if record["reason"]:
                reasons[record["reason"]["code"]] += 1
            if record["second_reader"]:
                tiers[record["second_reader"]["tier"]] += 1
            yield {k: v for k, v in record.items() if k != "slices"}

    rows = heapq.nsmallest(max_rows, counted(), key=_urgency)
    return Summary(tuple(rows), dict(statuses), dict(reasons), dict(tiers))


def render(summary: Summary, width: int = 120) -> RenderableType:
    """The summary as something that rich can print.

    Args:
        summary: What to show.
        width: Of the terminal in characters; narrow ones get fewer columns.
    """
    judged_columns = [c for c in _JUDGED if width >= _WIDE or c not in _IF_WIDE]
    judged = [row for row in summary.rows if not row["reason"]]
    unread = [row for row in summary.rows if row["reason"]]
    parts: list[RenderableType] = []
    if judged:
        parts.append(_table("Head CT scans", judged, judged_columns))
    if unread:
        parts.append(_table("Not analysed: look at these yourself", unread, _UNREAD))
    hidden = summary.n_scans - len(summary.rows)
    if hidden:
        parts.append(Text(f"… and {hidden} more, less urgent; all are in the reports", "dim"))
    parts.append(_counts_line(summary))
    return Group(*parts)


def _table(title: str, records: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Table:
    """One line a record; columns without content are left out."""
    table = Table(title=title, title_justify="left", pad_edge=False)
    rows = [_cells(record) for record in records]
    shown = [name for name in columns if any(str(row[name]) for row in rows)]
    for name in shown:
        table.add_column(
            name,
            justify="right" if name in _RIGHT else "left",
            no_wrap=name in _WHOLE,
            overflow="fold",
        )
    for row, record in zip(rows, records, strict=True):
        style = "dim" if record["status"] == Status.NEGATIVE.value else ""
        table.add_row(*(row[name] for name in shown), style=style)
    return table


def _urgency(record: Mapping[str, Any]) -> tuple[int, float]:
    probs = record["probs"] or {}
    return _ORDER[record["status"]], -(probs.get("any") or 0.0)


def _cells(record: Mapping[str, Any]) -> dict[str, str | Text]:
    probs, calls = record["probs"] or {}, record["calls"] or {}
    called = [s.value for s in SUBTYPES if calls.get(s.value)]
    opinion = record["second_reader"] or {}
    ml = (record["total_ml"] or {}).get("value")
    return {
        "status": Text(record["status"], _COLOURS[record["status"]]),
        "patient": escape((record["patient_id"] or "")[:8]),
        "date": escape(_when(record)),
        "series": escape((record["series_description"] or "")[:16]),
        "any": "" if probs.get("any") is None else f"{probs['any']:.2f}",
        "mL": "" if ml is None or not calls.get("any") else f"{ml:.1f}",
        "subtypes": " ".join(called),
        "where": escape(_where(record)),
        "second reader": escape(opinion.get("tier") or ""),
        "why": escape(_why(record)),
    }


def _when(record: Mapping[str, Any]) -> str:
    """To the minute where it is known: a study may have two examinations of one day."""
    acquired = record.get("acquisition_datetime")
    return acquired[:16].replace("T", " ") if acquired else record["study_date"] or ""


def _where(record: Mapping[str, Any]) -> str:
    if not (record["calls"] or {}).get("any"):
        return ""
    side, location = record["side"], record["location"]
    if location and side and side in location:
        return str(location)
    return " ".join(part for part in (side, location) if part)


def _why(record: Mapping[str, Any]) -> str:
    reason = record["reason"]
    if not reason:
        return ""
    detail = reason["detail"]
    return f"{reason['code']}: {detail}" if detail else str(reason["code"])


def _counts_line(summary: Summary) -> Text:
    line = Text("1 scan" if summary.n_scans == 1 else f"{summary.n_scans} scans")
    for status, colour in _COLOURS.items():
        count = summary.status_counts.get(status, 0)
        if count:
            line.append("  ").append(f"{count} {status}", colour)
    for tier, count in summary.tier_counts.items():
        line.append(f"\n   second reader: {count} {tier}", "dim")
    for code, count in Counter(summary.reason_counts).most_common():
        line.append(f"\n   {count} × {code}", "dim")
    return line
