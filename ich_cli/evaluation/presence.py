"""Is there blood, and of which kind: all figures of one label on one set of cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ich_cli.domain import Interval
from ich_cli.evaluation.bootstrap import interval_of, resampled_sums
from ich_cli.evaluation.discrimination import delong_interval
from ich_cli.evaluation.proportions import Confusion, confusion, predictive_values, wilson

BINS = 10

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Resampling:
    """How intervals are drawn; ``prevalence`` is where PPV and NPV are wanted as well."""

    draws: int = 1000
    seed: int = 0
    prevalence: float | None = None


@dataclass(frozen=True, slots=True)
class Presence:
    """Figures of one label. ``None`` where a figure is not defined on these cases.

    Sensitivity, specificity, PPV, NPV and accuracy have Wilson intervals where every
    patient counts once, else intervals by patient-clustered bootstrap, as F1, Brier score,
    calibration error and the values at the given prevalence always have. A proportion of 0 or
    1, whose draws cannot differ, has Wilson's by the number of its patients.
    """

    label: str
    n: int
    positives: int
    counts: Confusion
    auc: Interval | None
    sensitivity: Interval | None
    specificity: Interval | None
    ppv: Interval | None
    npv: Interval | None
    accuracy: Interval | None
    f1: Interval | None
    brier: Interval | None
    ece: Interval | None
    ppv_at: Interval | None
    npv_at: Interval | None


@dataclass(frozen=True, slots=True)
class LabelCases:
    """One label's cases; ``prob`` is ``None`` for a reader that gives no probabilities."""

    label: str
    y: NDArray[np.bool_]
    call: NDArray[np.bool_]
    prob: Floats | None
    patient: NDArray[np.str_]

    def take(self, keep: NDArray[np.bool_]) -> LabelCases:
        """The cases that a mask keeps."""
        return LabelCases(
            self.label,
            self.y[keep],
            self.call[keep],
            None if self.prob is None else self.prob[keep],
            self.patient[keep],
        )


def presence(cases: LabelCases, how: Resampling) -> Presence | None:
    """All figures of one label; ``None`` of no cases."""
    if len(cases.y) == 0:
        return None
    counts = confusion(cases.y, cases.call)
    sums, draws = _sums(cases, how)
    once = len(np.unique(cases.patient)) == len(cases.patient)

    def figure(name: str) -> Interval | None:
        value = FIGURES[name](sums[None])[0]
        return interval_of(float(value), FIGURES[name](draws))

    def proportion(name: str, of: NDArray[np.bool_]) -> Interval | None:
        found = getattr(counts, name) if once else figure(name)
        if once or found is None or found.value not in (0.0, 1.0):
            return found
        patients = len(np.unique(cases.patient[of]))
        return wilson(round(found.value) * patients, patients)

    ppv_at, npv_at = _at_prevalence(counts, draws, how.prevalence)
    return Presence(
        label=cases.label,
        n=len(cases.y),
        positives=int(cases.y.sum()),
        counts=counts,
        auc=_auc(cases),
        sensitivity=proportion("sensitivity", cases.y),
        specificity=proportion("specificity", ~cases.y),
        ppv=proportion("ppv", cases.call),
        npv=proportion("npv", ~cases.call),
        accuracy=proportion("accuracy", np.ones(len(cases.y), bool)),
        f1=figure("f1") if cases.y.any() else None,
        brier=None if cases.prob is None else figure("brier"),
        ece=None if cases.prob is None else figure("ece"),
        ppv_at=ppv_at,
        npv_at=npv_at,
    )


def _auc(cases: LabelCases) -> Interval | None:
    if cases.prob is None or not cases.y.any() or cases.y.all():
        return None
    return delong_interval(cases.y, cases.prob, clusters=cases.patient)


def _at_prevalence(
    counts: Confusion, draws: Floats, prevalence: float | None
) -> tuple[Interval | None, Interval | None]:
    sensitivity, specificity = counts.sensitivity, counts.specificity
    if prevalence is None or sensitivity is None or specificity is None:
        return None, None
    ppv, npv = predictive_values(sensitivity.value, specificity.value, prevalence)
    se, sp = FIGURES["sensitivity"](draws), FIGURES["specificity"](draws)
    with np.errstate(invalid="ignore", divide="ignore"):
        called = se * prevalence + (1 - sp) * (1 - prevalence)
        passed = sp * (1 - prevalence) + (1 - se) * prevalence
        drawn_ppv, drawn_npv = se * prevalence / called, sp * (1 - prevalence) / passed
    return (
        None if ppv is None else interval_of(ppv, drawn_ppv),
        None if npv is None else interval_of(npv, drawn_npv),
    )


def _sums(cases: LabelCases, how: Resampling) -> tuple[Floats, Floats]:
    parts = case_sums(cases)
    return parts.sum(axis=0), resampled_sums(parts, cases.patient, how.draws, seed=how.seed)


def case_sums(cases: LabelCases) -> Floats:
    """What each case adds: tp, fp, fn, tn, squared error, and per bin probability − outcome."""
    y, call = cases.y, cases.call
    columns = [y & call, ~y & call, y & ~call, ~y & ~call]
    if cases.prob is None:
        return np.stack(columns, axis=1).astype(np.float64)
    bins = np.minimum((cases.prob * BINS).astype(np.intp), BINS - 1)
    gaps = np.zeros((len(y), BINS))
    gaps[np.arange(len(y)), bins] = cases.prob - y
    squared = (cases.prob - y) ** 2
    return np.concatenate([np.stack(columns, axis=1), squared[:, None], gaps], axis=1)


def _ratio(top: Floats, bottom: Floats) -> Floats:
    quotient: Floats = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)
    return quotient


FIGURES: Mapping[str, Callable[[Floats], Floats]] = {
    "sensitivity": lambda s: _ratio(s[:, 0], s[:, 0] + s[:, 2]),
    "specificity": lambda s: _ratio(s[:, 3], s[:, 3] + s[:, 1]),
    "ppv": lambda s: _ratio(s[:, 0], s[:, 0] + s[:, 1]),
    "npv": lambda s: _ratio(s[:, 3], s[:, 3] + s[:, 2]),
    "accuracy": lambda s: _ratio(s[:, 0] + s[:, 3], s[:, :4].sum(axis=1)),
    "f1": lambda s: _ratio(2 * s[:, 0], 2 * s[:, 0] + s[:, 1] + s[:, 2]),
    "brier": lambda s: _ratio(s[:, 4], s[:, :4].sum(axis=1)),
    "ece": lambda s: _ratio(np.abs(s[:, 5:]).sum(axis=1), s[:, :4].sum(axis=1)),
}
"""Figures as functions of ``(draws, k)`` sums; see :func:`case_sums` for the columns."""
