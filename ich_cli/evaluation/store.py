"""``evaluation.json``: an evaluation as plain JSON, and back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ich_cli.domain import Interval
from ich_cli.errors import UsageError
from ich_cli.evaluation.calibration import ReliabilityBin
from ich_cli.evaluation.evaluate import Evaluation
from ich_cli.evaluation.figures import (
    BlandAltmanFigure,
    ConfusionFigure,
    ReliabilityFigure,
    RocFigure,
)
from ich_cli.evaluation.proportions import Confusion
from ich_cli.evaluation.tables import Cell, Table
from ich_cli.evaluation.volume_agreement import BlandAltman
from ich_cli.notice import NOTICE

SCHEMA = "1.0"


def to_json(evaluation: Evaluation) -> str:
    """The evaluation as strict JSON: intervals as objects, not-a-number as null."""
    content = {
        "schema_version": SCHEMA,
        "disclaimer": NOTICE,
        **asdict(evaluation),
    }
    return json.dumps(_finite(content), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def load_evaluation(path: Path) -> Evaluation:
    """Read what :func:`to_json` wrote.

    Raises:
        UsageError: No such file, or not an evaluation.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return _evaluation(content)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        raise UsageError(f"{path} is not an evaluation; write it with 'ich evaluate'") from None


def _evaluation(content: Mapping[str, Any]) -> Evaluation:
    return Evaluation(
        tables=tuple(_table(t) for t in content["tables"]),
        rocs=tuple(
            RocFigure(f["label"], _interval(f["auc"]), _points(f["points"]))
            for f in content["rocs"]
        ),
        reliabilities=tuple(
            ReliabilityFigure(f["label"], f["ece"], tuple(_bin(b) for b in f["bins"]))
            for f in content["reliabilities"]
        ),
        bland_altmans=tuple(
            BlandAltmanFigure(f["label"], _points(f["points"]), _bland_altman(f["summary"]))
            for f in content["bland_altmans"]
        ),
        confusions=tuple(
            ConfusionFigure(f["label"], Confusion(**f["counts"])) for f in content["confusions"]
        ),
        notes=tuple(content["notes"]),
        source=dict(content["source"]),
    )


def _table(content: Mapping[str, Any]) -> Table:
    rows = tuple(tuple(_cell(cell) for cell in row) for row in content["rows"])
    return Table(
        content["title"], tuple(content["columns"]), rows, content["note"], content["digits"]
    )


def _cell(value: Any) -> Cell:
    if isinstance(value, Mapping):
        return _interval(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ValueError("a cell is a word, a number or an interval")


def _interval(value: Mapping[str, Any]) -> Interval:
    low, high = value["low"], value["high"]
    return Interval(
        value["value"], math.nan if low is None else low, math.nan if high is None else high
    )


def _points(values: Any) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in values)


def _bin(value: Mapping[str, Any]) -> ReliabilityBin:
    return ReliabilityBin(**{**value, "observed": _interval(value["observed"])})


def _bland_altman(value: Mapping[str, Any]) -> BlandAltman:
    intervals = {name: _interval(value[name]) for name in ("bias", "lower", "upper")}
    return BlandAltman(**{**value, **intervals})


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
