"""The evaluation page, made from ``evaluation.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ich_cli.errors import UsageError
from ich_cli.reports.html_svg import bland_altman_svg, reliability_svg, roc_svg
from ich_cli.reports.html_words import UNKNOWN

FILE = "evaluation.json"


@dataclass(frozen=True, slots=True)
class TableView:
    """A table as words."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str


@dataclass(frozen=True, slots=True)
class ConfusionView:
    """Counts of one label."""

    label: str
    tp: int
    fp: int
    fn: int
    tn: int


@dataclass(frozen=True, slots=True)
class EvaluationPage:
    """What the page shows; ``plots`` are (title, SVG)."""

    tables: tuple[TableView, ...]
    plots: tuple[tuple[str, str], ...]
    confusions: tuple[ConfusionView, ...]
    legend: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    source: Mapping[str, str]


def evaluation_page(path: Path) -> EvaluationPage:
    """Read what ``ich evaluate`` wrote.

    Raises:
        UsageError: The file cannot be read or is no evaluation.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return _page(content)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UsageError(f"{path} is not an evaluation; write it again: 'ich evaluate'") from None


def cell(value: Any, digits: int = 3) -> str:
    """A stored cell in words: intervals as ``0.91 (0.87–0.95)``, unknown as a dash."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        low, high = value["low"], value["high"]
        text = cell(value["value"], digits)
        if low is None or high is None:
            return text
        return f"{text} ({low:.{digits}f}{' to ' if low < 0 else '–'}{high:.{digits}f})"
    return f"{round(value, digits) + 0.0:.{digits}f}" if isinstance(value, float) else str(value)


def _page(content: Mapping[str, Any]) -> EvaluationPage:
    rocs = content["rocs"]
    plots = [("ROC curves", roc_svg(rocs))] if rocs else []
    plots += [
        (f"Reliability: {f['label']} (ECE {f['ece']:.3f})", reliability_svg(f))
        for f in content["reliabilities"]
    ]
    plots += [
        (f"Bland-Altman: {f['label']} volume", bland_altman_svg(f))
        for f in content["bland_altmans"]
    ]
    return EvaluationPage(
        tables=tuple(_table(t) for t in content["tables"]),
        plots=tuple(plots),
        confusions=tuple(ConfusionView(f["label"], **f["counts"]) for f in content["confusions"]),
        legend=tuple((f["label"], f"AUC {cell(f['auc'])}") for f in rocs),
        notes=tuple(content["notes"]),
        source=content["source"],
    )


def _table(table: Mapping[str, Any]) -> TableView:
    digits = table["digits"]
    rows = tuple(tuple(cell(value, digits) for value in row) for row in table["rows"])
    return TableView(table["title"], tuple(table["columns"]), rows, table["note"])
