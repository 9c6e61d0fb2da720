"""Macro averages over labels: every label counts the same, however rare it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ich_cli.domain import Interval
from ich_cli.evaluation.bootstrap import interval_of, members_by_name, resampled_sums
from ich_cli.evaluation.discrimination import auc
from ich_cli.evaluation.presence import FIGURES, LabelCases, Resampling, case_sums

AUC_DRAWS = 300
"""Draws for the macro AUC, which has no sums to be drawn from and is ranked anew each time."""


@dataclass(frozen=True, slots=True)
class Macro:
    """Unweighted means over ``labels``, those that have both positives and negatives."""

    labels: tuple[str, ...]
    auc: Interval | None
    precision: Interval | None
    recall: Interval | None
    f1: Interval | None


def macro(groups: Sequence[LabelCases], how: Resampling) -> Macro | None:
    """Macro averages, patients drawn jointly for all labels; ``None`` of no usable label."""
    usable = [group for group in groups if group.y.any() and not group.y.all()]
    if not usable:
        return None
    patients = np.unique(np.concatenate([group.patient for group in usable]))
    totals = [case_sums(group).sum(axis=0) for group in usable]
    draws = [_draws(group, patients, how) for group in usable]

    def mean_of(name: str) -> Interval | None:
        value = _mean([_figure(name, total[None]) for total in totals])
        return interval_of(float(value[0]), _mean([_figure(name, d) for d in draws]))

    return Macro(
        labels=tuple(group.label for group in usable),
        auc=_macro_auc(usable, patients, how),
        precision=mean_of("ppv"),
        recall=mean_of("sensitivity"),
        f1=mean_of("f1"),
    )


def _figure(name: str, sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """A figure of one label; precision without any call counts as 0, as published averages do."""
    values = FIGURES[name](sums)
    if name == "ppv":
        positives = sums[:, 0] + sums[:, 2]
        values = np.where(np.isnan(values) & (positives > 0), 0.0, values)
    return values


def _mean(by_label: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Mean over the labels that define a figure; nan where none does."""
    stacked = np.stack(by_label)
    known = np.isfinite(stacked)
    total = np.where(known, stacked, 0.0).sum(axis=0)
    count = known.sum(axis=0)
    mean: NDArray[np.float64] = np.divide(
        total, count, out=np.full(total.shape, np.nan), where=count > 0
    )
    return mean


def _draws(group: LabelCases, patients: NDArray[np.str_], how: Resampling) -> NDArray[np.float64]:
    """Resampled sums over all patients; those without a case of this label add nothing."""
    parts = case_sums(group)
    padded = np.concatenate([parts, np.zeros((len(patients), parts.shape[1]))])
    names = np.concatenate([group.patient, patients])
    return resampled_sums(padded, names, how.draws, seed=how.seed)


def _macro_auc(
    groups: Sequence[LabelCases], patients: NDArray[np.str_], how: Resampling
) -> Interval | None:
    scored = [(g.y, g.prob, members_by_name(g.patient)) for g in groups if g.prob is not None]
    if not scored:
        return None
    value = float(np.mean([auc(y, prob) for y, prob, _ in scored]))
    generator = np.random.default_rng(how.seed)
    nobody = np.empty(0, np.intp)
    drawn = np.full(min(how.draws, AUC_DRAWS), np.nan)
    for k in range(len(drawn) if len(patients) > 1 else 0):
        chosen = patients[generator.integers(0, len(patients), len(patients))]
        areas = []
        for y, prob, members in scored:
            index = np.concatenate([members.get(str(name), nobody) for name in chosen])
            if 0 < y[index].sum() < len(index):
                areas.append(auc(y[index], prob[index]))
        if len(areas) == len(scored):
            drawn[k] = np.mean(areas)
    return interval_of(value, drawn)
