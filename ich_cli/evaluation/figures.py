"""The data behind each plot of an evaluation, ready to be drawn or stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ich_cli.domain import Interval
from ich_cli.evaluation.calibration import (
    ReliabilityBin,
    expected_calibration_error,
    reliability,
)
from ich_cli.evaluation.discrimination import delong_interval, roc_curve
from ich_cli.evaluation.presence import LabelCases
from ich_cli.evaluation.proportions import Confusion, confusion
from ich_cli.evaluation.volume_agreement import BlandAltman, bland_altman


@dataclass(frozen=True, slots=True)
class RocFigure:
    """One ROC curve: points (1 − specificity, sensitivity) and the area."""

    label: str
    auc: Interval
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class ReliabilityFigure:
    """One reliability diagram and its calibration error."""

    label: str
    ece: float
    bins: tuple[ReliabilityBin, ...]


@dataclass(frozen=True, slots=True)
class BlandAltmanFigure:
    """Points (mean of both, measured − true) in mL, with bias and limits."""

    label: str
    points: tuple[tuple[float, float], ...]
    summary: BlandAltman


@dataclass(frozen=True, slots=True)
class ConfusionFigure:
    """Calls against truth of one label."""

    label: str
    counts: Confusion


def roc_figure(cases: LabelCases) -> RocFigure | None:
    """The ROC of one label; ``None`` without probabilities or without both classes."""
    if cases.prob is None or not cases.y.any() or cases.y.all():
        return None
    false_rate, true_rate, _ = roc_curve(cases.y, cases.prob)
    area = delong_interval(cases.y, cases.prob, clusters=cases.patient)
    points = tuple(zip(false_rate.tolist(), true_rate.tolist(), strict=True))
    return RocFigure(cases.label, area, points)


def reliability_figure(cases: LabelCases) -> ReliabilityFigure | None:
    """The reliability diagram of one label; ``None`` without probabilities."""
    if cases.prob is None:
        return None
    return ReliabilityFigure(
        cases.label,
        expected_calibration_error(cases.y, cases.prob),
        reliability(cases.y, cases.prob),
    )


def bland_altman_figure(
    label: str, measured: Sequence[float], truth: Sequence[float]
) -> BlandAltmanFigure | None:
    """Bland-Altman points; ``None`` for fewer than two pairs."""
    if len(measured) < 2:
        return None
    x, y = np.asarray(measured, np.float64), np.asarray(truth, np.float64)
    points = tuple(zip(((x + y) / 2).tolist(), (x - y).tolist(), strict=True))
    return BlandAltmanFigure(label, points, bland_altman(x, y))


def confusion_figure(cases: LabelCases) -> ConfusionFigure | None:
    """The confusion matrix of one label; ``None`` of no cases."""
    return ConfusionFigure(cases.label, confusion(cases.y, cases.call)) if len(cases.y) else None
