"""Several readers on the same cases: the tables of the published experiment, on own data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ich_cli.domain import SUBTYPES, Interval
from ich_cli.evaluation.agreement import kappa, mcnemar
from ich_cli.evaluation.discrimination import delong_test
from ich_cli.evaluation.labels import Truth
from ich_cli.evaluation.location import region_accuracy, side_accuracy
from ich_cli.evaluation.macro import macro
from ich_cli.evaluation.presence import LabelCases, Resampling, presence
from ich_cli.evaluation.readers import Reader
from ich_cli.evaluation.results import TOTAL, Answer
from ich_cli.evaluation.tables import Cell, Table
from ich_cli.evaluation.volume_tables import volume_row

Field = Callable[[Answer], str | None]


@dataclass(frozen=True, slots=True)
class CommonCase:
    """A case that every reader answered: its truth, its patient, the answers in order."""

    truth: Truth
    patient: str
    answers: tuple[Answer, ...]


def common_cases(
    readers: Sequence[Reader],
    truths: Mapping[str, Truth],
    patients: Mapping[str, str],
    drawn: Sequence[str],
) -> list[CommonCase]:
    """The drawn cases whose truth is known and that all readers answered."""
    return [
        CommonCase(truths[case], patients[case], tuple(r.answers[case] for r in readers))
        for case in drawn
        if truths[case].present.get("any") is not None and all(case in r.answers for r in readers)
    ]


def compare(
    readers: Sequence[Reader], cases: Sequence[CommonCase], drawn: Sequence[str], how: Resampling
) -> tuple[Table, ...]:
    """All tables of a comparison.

    Args:
        readers: At least one; tests are made for every pair.
        cases: Of :func:`common_cases`, answers in the order of ``readers``.
        drawn: All cases that were to be judged, to count who left what open.
        how: Draws and seed of the intervals.
    """
    tables = [
        presence_table(readers, cases, drawn, how),
        subtype_table(readers, cases, how),
        location_table(readers, cases),
        volume_table(readers, cases),
        agreement_table(readers, cases),
    ]
    return tuple(table for table in tables if table is not None)


def presence_table(
    readers: Sequence[Reader], cases: Sequence[CommonCase], drawn: Sequence[str], how: Resampling
) -> Table:
    """Is there blood: accuracy, precision, recall, F1; AUC for those that give probabilities."""
    rows: list[tuple[Cell, ...]] = []
    for k, reader in enumerate(readers):
        figures = presence(label_cases(cases, k, "any"), how)
        if figures is not None:
            rows.append(
                (
                    _name(reader),
                    figures.n,
                    sum(case not in reader.answers for case in drawn),
                    figures.accuracy,
                    figures.ppv,
                    figures.sensitivity,
                    figures.f1,
                    figures.auc,
                )
            )
    columns = ("reader", "n", "no answer", "accuracy", "precision", "recall", "F1", "AUC")
    positives = sum(case.truth.present["any"] is True for case in cases)
    note = (
        f"{len(cases)} of {len(drawn)} cases that every reader answered, {positives} with blood, "
        f"{len({case.patient for case in cases})} patients."
    )
    return Table("Presence", columns, tuple(rows), note)


def subtype_table(
    readers: Sequence[Reader], cases: Sequence[CommonCase], how: Resampling
) -> Table | None:
    """Which kind: macro averages and the F1 of each subtype.

    A subtype that a reader was never asked for has no figures; one that lacks any of those
    the others are averaged over has no averages.
    """
    rows: list[tuple[Cell, ...]] = []
    used: tuple[str, ...] = ()
    for k, reader in enumerate(readers):
        groups = [label_cases(cases, k, s.value) for s in SUBTYPES]
        average = macro(groups, how)
        if average is None:
            continue
        used = used or average.labels
        asked = [group for group in groups if _was_asked(cases, k, group.label)]
        if not asked:
            continue
        known = {g.label: presence(g, how) for g in asked}
        single = [known.get(s.value) for s in SUBTYPES]
        f1s = [figures.f1.value if figures and figures.f1 else None for figures in single]
        right = [g.y == g.call for g in asked if len(g.y)]
        accuracy = float(np.mean(np.concatenate(right))) if right else None
        shared = (average.precision, average.recall, average.f1, average.auc)
        whole = set(average.labels) <= known.keys()
        rows.append((_name(reader), accuracy, *(shared if whole else (None,) * 4), *f1s))
    if not rows:
        return None
    columns = (
        *("reader", "accuracy", "precision", "recall", "macro F1", "macro AUC"),
        *(f"F1 {s.value}" for s in SUBTYPES),
    )
    note = (
        f"Macro: mean over {', '.join(used)}, the subtypes with and without which there are cases."
    )
    return Table("Subtype, macro-averaged", columns, tuple(rows), note)


def location_table(readers: Sequence[Reader], cases: Sequence[CommonCase]) -> Table | None:
    """Side and region on bleeding cases; ``None`` where the truth knows neither."""
    bleeds = [case for case in cases if case.truth.present["any"]]
    rows: list[tuple[Cell, ...]] = []
    for k, reader in enumerate(readers):
        side = side_accuracy([c.answers[k].side for c in bleeds], [c.truth.side for c in bleeds])
        region = region_accuracy(
            [c.answers[k].region for c in bleeds], [c.truth.region for c in bleeds]
        )
        if side is not None or region is not None:
            rows.append((_name(reader), side, region))
    if not rows:
        return None
    note = "Bleeding cases with a known side or region; a bleed that was missed counts as wrong."
    return Table("Location", ("reader", "side", "region"), tuple(rows), note)


def volume_table(readers: Sequence[Reader], cases: Sequence[CommonCase]) -> Table | None:
    """Millilitres of bleeding cases, each reader on those it gave a volume for."""
    rows: list[tuple[Cell, ...]] = []
    for k, reader in enumerate(readers):
        pairs = []
        for case in cases:
            said, truth = case.answers[k].ml.get(TOTAL), case.truth.ml.get(TOTAL)
            if said is not None and truth:
                pairs.append((said, truth))
        if pairs:
            count, bias, low, high, error, ccc, _, within, large = volume_row(pairs)
            rows.append((_name(reader), count, bias, low, high, error, ccc, within, large))
    if not rows:
        return None
    columns = (
        *("reader", "n", "bias mL", "lower limit", "upper limit", "MAE mL", "CCC"),
        *("within max(10 %, 1 mL)", "≥ 30 mL agreement"),
    )
    return Table("Volume", columns, tuple(rows), digits=2)


def agreement_table(readers: Sequence[Reader], cases: Sequence[CommonCase]) -> Table | None:
    """Every pair of readers on presence: McNemar, kappa, and DeLong where both have scores."""
    if len(readers) < 2 or not cases:
        return None
    rows: list[tuple[Cell, ...]] = []
    for a, b in combinations(range(len(readers)), 2):
        of_a, of_b = label_cases(cases, a, "any"), label_cases(cases, b, "any")
        test = mcnemar(of_a.y == of_a.call, of_b.y == of_b.call)
        difference, p = _delong(of_a, of_b)
        rows.append(
            (
                f"{readers[a].name} / {readers[b].name}",
                *(test.only_a_right, test.only_b_right, test.p),
                *(kappa(of_a.call, of_b.call), difference, p),
            )
        )
    columns = (
        *("readers", "only first right", "only second right", "McNemar p", "κ"),
        *("AUC difference", "DeLong p"),
    )
    note = "Presence of blood. McNemar treats cases as independent; DeLong is by patient."
    return Table("Agreement and tests", columns, tuple(rows), note)


def label_cases(cases: Sequence[CommonCase], reader: int, label: str) -> LabelCases:
    """One reader's cases of one label; an unanswered subtype counts as not called."""
    known = [case for case in cases if case.truth.present.get(label) is not None]
    probs = [case.answers[reader].probs.get(label) for case in known]
    values = [p for p in probs if p is not None]
    return LabelCases(
        label=label,
        y=np.array([case.truth.present[label] for case in known], bool),
        call=np.array([bool(case.answers[reader].calls.get(label)) for case in known], bool),
        prob=np.array(values, np.float64) if values and len(values) == len(known) else None,
        patient=np.array([case.patient for case in known], np.str_),
    )


def _was_asked(cases: Sequence[CommonCase], reader: int, label: str) -> bool:
    """Whether a reader ever answered a subtype where it saw blood; true of one that saw none."""
    answers = [case.answers[reader].calls for case in cases]
    bleeds = [calls for calls in answers if calls.get("any")]
    return not bleeds or any(calls.get(label) is not None for calls in bleeds)


def _delong(a: LabelCases, b: LabelCases) -> tuple[Interval | None, float | None]:
    if a.prob is None or b.prob is None or not a.y.any() or a.y.all():
        return None, None
    test = delong_test(a.y, a.prob, b.prob, clusters=a.patient)
    return test.difference, test.p


def _name(reader: Reader) -> str:
    return f"{reader.name} (recorded)" if reader.recorded else reader.name
