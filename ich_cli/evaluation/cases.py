"""Pairs of result and truth as arrays, label by label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ich_cli.evaluation.match import ScanCase, SliceCase
from ich_cli.evaluation.presence import LabelCases

ANALYSED = frozenset({"positive", "negative", "indeterminate"})
"""Statuses with an answer of the network."""

SLICE_THRESHOLD = 0.5


def analysed(cases: Sequence[ScanCase]) -> list[ScanCase]:
    """The scans that the network could judge."""
    return [case for case in cases if case.scan.status in ANALYSED]


def scan_cases(cases: Sequence[ScanCase], label: str) -> LabelCases:
    """Analysed scans whose truth of ``label`` is known, by the calls that were reported."""
    rows = []
    for case in analysed(cases):
        truth = case.truth.present.get(label)
        call = case.scan.answer.calls.get(label)
        if truth is not None and call is not None:
            rows.append((truth, call, case.scan.answer.probs.get(label), case.scan.patient))
    return _arrays(label, rows)


def slice_cases(
    cases: Sequence[SliceCase], label: str, thresholds: Mapping[str, float] | None = None
) -> LabelCases:
    """Slices whose truth of ``label`` is known; a call is a probability at its threshold."""
    threshold = (thresholds or {}).get(label, SLICE_THRESHOLD)
    rows = []
    for case in cases:
        truth, prob = case.truth.present.get(label), case.slice.probs.get(label)
        if truth is not None and prob is not None:
            rows.append((truth, prob >= threshold, prob, case.scan.patient))
    return _arrays(label, rows)


def _arrays(label: str, rows: Sequence[tuple[bool, bool, float | None, str]]) -> LabelCases:
    probs = [row[2] for row in rows]
    known = [p for p in probs if p is not None]
    return LabelCases(
        label=label,
        y=np.array([row[0] for row in rows], bool),
        call=np.array([row[1] for row in rows], bool),
        prob=np.array(known, np.float64) if len(known) == len(rows) and rows else None,
        patient=np.array([row[3] for row in rows], np.str_),
    )
