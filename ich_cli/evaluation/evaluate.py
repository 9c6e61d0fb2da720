"""Everything that results and truth say of each other: tables, plots, and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ich_cli.domain import LABELS
from ich_cli.evaluation.cases import ANALYSED, scan_cases, slice_cases
from ich_cli.evaluation.examinations import notes_on_shared_labels
from ich_cli.evaluation.figures import (
    BlandAltmanFigure,
    ConfusionFigure,
    ReliabilityFigure,
    RocFigure,
    bland_altman_figure,
    confusion_figure,
    reliability_figure,
    roc_figure,
)
from ich_cli.evaluation.location import region_accuracy, side_accuracy
from ich_cli.evaluation.macro import Macro, macro
from ich_cli.evaluation.match import Matched, ScanCase
from ich_cli.evaluation.presence import LabelCases, Presence, Resampling, presence
from ich_cli.evaluation.results import TOTAL
from ich_cli.evaluation.subgroup import subgroup_table
from ich_cli.evaluation.tables import Cell, Table, cell_text
from ich_cli.evaluation.volume_tables import volume_pairs, volume_table


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation found; ``notes`` is what a reader must know before believing it."""

    tables: tuple[Table, ...]
    rocs: tuple[RocFigure, ...] = ()
    reliabilities: tuple[ReliabilityFigure, ...] = ()
    bland_altmans: tuple[BlandAltmanFigure, ...] = ()
    confusions: tuple[ConfusionFigure, ...] = ()
    notes: tuple[str, ...] = ()
    source: Mapping[str, str] = field(default_factory=dict)


def evaluate(
    matched: Matched,
    how: Resampling,
    *,
    slice_thresholds: Mapping[str, float] | None = None,
    extra: Sequence[Table] = (),
    notes: Sequence[str] = (),
    source: Mapping[str, str] | None = None,
) -> Evaluation:
    """Measure matched results.

    Args:
        matched: Results with their truths.
        how: Draws, seed and prevalence.
        slice_thresholds: By label; .5 where unknown.
        extra: Further tables (overlap with masks, say) to take along.
        notes: Further notes, of the labels' layout say.
        source: Where results and labels came from, for the report.
    """
    by_scan = [scan_cases(matched.scans, label) for label in LABELS]
    by_slice = [slice_cases(matched.slices, label, slice_thresholds) for label in LABELS]
    tables = [
        coverage_table(matched, how),
        presence_table("Presence, scans", by_scan, how),
        presence_table("Presence, slices", by_slice, how),
        subgroup_table(matched.scans, how),
        volume_table(matched.scans),
        location_table(matched.scans),
        *extra,
    ]
    pairs = volume_pairs(matched.scans, TOTAL)
    bland = bland_altman_figure(TOTAL, [p[0] for p in pairs], [p[1] for p in pairs])
    plotted = by_scan if any(len(cases.y) for cases in by_scan) else by_slice
    return Evaluation(
        tables=tuple(table for table in tables if table is not None),
        rocs=tuple(f for f in map(roc_figure, plotted) if f is not None),
        reliabilities=tuple(f for f in map(reliability_figure, plotted[:1]) if f is not None),
        bland_altmans=() if bland is None else (bland,),
        confusions=tuple(f for f in map(confusion_figure, plotted) if f is not None),
        notes=(*notes, *_notes(matched)),
        source=source or {},
    )


def coverage_table(matched: Matched, how: Resampling) -> Table:
    """What became of every labelled scan; what could not be read is never negative."""
    positives = [c for c in matched.scans if c.truth.present.get("any") is True]
    rows: list[tuple[Cell, ...]] = []
    for status in ("positive", "indeterminate", "negative", "not_analysable", "failed"):
        of_status = [c for c in matched.scans if c.scan.status == status]
        bleeding = sum(c.truth.present.get("any") is True for c in of_status)
        clear = sum(c.truth.present.get("any") is False for c in of_status)
        rows.append((status, len(of_status), bleeding, clear))
    calls = [c.scan.status in ANALYSED and bool(c.scan.answer.calls.get("any")) for c in positives]
    everyone = LabelCases(
        label="any",
        y=np.ones(len(positives), bool),
        call=np.array(calls, bool),
        prob=None,
        patient=np.array([c.scan.patient for c in positives], np.str_),
    )
    figures = presence(everyone, how)
    note = ""
    if figures is not None:
        note = (
            f"Of {len(positives)} bleeding scans {sum(calls)} were called: sensitivity "
            f"{cell_text(figures.sensitivity)} with unread scans as missed."
        )
    return Table(
        "Labelled scans by status", ("status", "n", "blood", "no blood"), tuple(rows), note
    )


def presence_table(title: str, groups: Sequence[LabelCases], how: Resampling) -> Table | None:
    """Figures of every label and their macro average; ``None`` of no cases at all."""
    figures = [f for f in (presence(cases, how) for cases in groups) if f is not None]
    if not figures:
        return None
    at = (
        []
        if how.prevalence is None
        else [f"PPV at {how.prevalence:g}", f"NPV at {how.prevalence:g}"]
    )
    columns = (
        *("label", "n", "positive", "AUC", "sensitivity", "specificity", "PPV", "NPV", *at),
        *("F1", "Brier", "ECE"),
    )
    average = macro([g for g in groups if g.label != "any"], how)
    rows = [_presence_row(f, bool(at)) for f in figures]
    note = ""
    if average is not None:
        rows.append(_macro_row(average, bool(at)))
        note = (
            f"Macro: mean over {', '.join(average.labels)}; PPV is precision, sensitivity recall."
        )
    return Table(title, columns, tuple(rows), note)


def location_table(cases: Sequence[ScanCase]) -> Table | None:
    """Side and region among called bleeds; ``None`` where the labels know neither."""
    bleeds = [
        c
        for c in cases
        if c.scan.status in ANALYSED
        and c.truth.present.get("any") is True
        and c.scan.answer.calls.get("any") is True
    ]
    sides = [c.truth.side for c in bleeds]
    regions = [c.truth.region for c in bleeds]
    shares = (
        ("side", sides, side_accuracy([c.scan.answer.side for c in bleeds], sides)),
        ("region", regions, region_accuracy([c.scan.answer.region for c in bleeds], regions)),
    )
    rows: list[tuple[Cell, ...]] = [
        (name, sum(truth is not None for truth in truths), share)
        for name, truths, share in shares
        if share is not None
    ]
    if not rows:
        return None
    note = (
        "Bleeding scans that were called and whose true side or region is known; regions by "
        "coarse place, the one with most of the blood."
    )
    return Table("Location", ("what", "n", "accuracy"), tuple(rows), note)


def _presence_row(f: Presence, at_prevalence: bool) -> tuple[Cell, ...]:
    at = (f.ppv_at, f.npv_at) if at_prevalence else ()
    return (
        *(f.label, f.n, f.positives, f.auc, f.sensitivity, f.specificity, f.ppv, f.npv, *at),
        *(f.f1, f.brier, f.ece),
    )


def _macro_row(average: Macro, at_prevalence: bool) -> tuple[Cell, ...]:
    at = (None, None) if at_prevalence else ()
    return (
        *("macro", None, None, average.auc, average.recall, None, average.precision, None, *at),
        *(average.f1, None, None),
    )


def _notes(matched: Matched) -> tuple[str, ...]:
    notes = []
    if matched.unlabelled:
        notes.append(f"Scanned series without a label, left out: {len(matched.unlabelled)}.")
    if matched.unscanned:
        bleeding = sum(truth.present.get("any") is True for truth in matched.unscanned)
        notes.append(
            f"Labels without a result, in no table: {len(matched.unscanned)}, {bleeding} of them "
            "with blood."
        )
    patients = Counter(case.scan.patient for case in matched.scans)
    repeated = sum(count > 1 for count in patients.values())
    if repeated:
        notes.append(
            f"Patients with more than one scan: {repeated}; intervals draw patients, not scans."
        )
    notes += notes_on_shared_labels(matched.scans)
    bleeding = sum(c.truth.present.get("any") is True for c in matched.scans)
    clear = sum(c.truth.present.get("any") is False for c in matched.scans)
    if matched.scans and min(bleeding, clear) < 10:
        notes.append(
            f"Few scans, {bleeding} with and {clear} without blood: the intervals are wide and "
            "say more than the values."
        )
    return tuple(notes)
