"""Local temperatures and thresholds of a network, fitted on a site's labelled scans."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ich_cli.domain import LABELS
from ich_cli.errors import UsageError
from ich_cli.evaluation.calibration import expected_calibration_error, log_loss
from ich_cli.evaluation.cases import analysed
from ich_cli.evaluation.fit import (
    OperatingPoint,
    fit_temperature,
    fit_threshold,
    logit,
    needed_cases,
    sigmoid,
)
from ich_cli.evaluation.match import Matched, ScanCase
from ich_cli.evaluation.proportions import Confusion, confusion
from ich_cli.evaluation.results import ScoredScan

Floats = NDArray[np.float64]
Pool = Callable[[ScoredScan, Floats], Floats]
"""``(scan, (z, 6) slice probabilities) → (6,)`` scan probabilities."""

FOLDS = 5
MIN_OTHER = 10
"""Cases of either class below which a temperature is left alone."""


@dataclass(frozen=True, slots=True)
class Current:
    """What the card says now: six temperatures and thresholds, in the order of ``LABELS``.

    ``pool`` makes scan probabilities of slices; ``None`` for a network with a scan-level
    head, whose scan probabilities have temperatures of their own.
    """

    temperature: tuple[float, ...]
    scan_temperature: tuple[float, ...]
    scan_threshold: tuple[float, ...]
    slice_threshold: tuple[float, ...]
    pool: Pool | None = None


@dataclass(frozen=True, slots=True)
class LabelFit:
    """What came out for one label. ``reason`` says why nothing was changed."""

    label: str
    positives: int
    negatives: int
    temperature: float
    scan_temperature: float
    scan_threshold: float
    slice_threshold: float
    reason: str = ""
    log_loss: tuple[float, float] | None = None
    ece: tuple[float, float] | None = None
    held_out: Confusion | None = None


@dataclass(frozen=True, slots=True)
class LocalFit:
    """All labels, the operating point, and on how much they were fitted."""

    point: OperatingPoint
    labels: tuple[LabelFit, ...]
    n_scans: int
    n_slices: int
    n_patients: int


def calibrate(matched: Matched, current: Current, point: OperatingPoint) -> LocalFit:
    """Fit every label that has enough cases; the others stay as they are.

    Slices give the slice temperatures where they are labelled; else scans do for a network
    whose scan probabilities are pooled slices. Scan thresholds are the scans'. Sensitivity
    and specificity are given as seen on held-out patients (five folds), not on those that
    the threshold was fitted on.

    Raises:
        UsageError: Too few scans with or without blood for the operating point; the
            message says how many are needed.
    """
    cases = analysed(matched.scans)
    _enough(cases, point)
    columns = range(len(LABELS))
    of_scans = np.array([_ratio(_scan_pairs(cases, LABELS[k])) for k in columns])
    of_slices = np.array([_ratio(_slice_pairs(matched, LABELS[k])) for k in columns])
    if current.pool is not None:
        of_slices = of_slices if matched.slices else of_scans
        of_scans = np.ones(len(LABELS))
    scores = _scan_scores(cases, current, of_slices, of_scans)
    labels = [
        _fit_label(
            *(matched, cases, scores[:, k], k, current, point),
            slice_ratio=float(of_slices[k]),
            scan_ratio=float(of_scans[k]),
        )
        for k in columns
    ]
    return LocalFit(
        point=point,
        labels=tuple(labels),
        n_scans=len(cases),
        n_slices=len(matched.slices),
        n_patients=len({case.scan.patient for case in cases}),
    )


def _enough(cases: Sequence[ScanCase], point: OperatingPoint) -> None:
    needed = needed_cases(point.value)
    bleeding = sum(case.truth.present.get("any") is True for case in cases)
    clear = sum(case.truth.present.get("any") is False for case in cases)
    kind, count = ("with", bleeding) if point.measure == "sensitivity" else ("without", clear)
    other_kind, other = ("without", clear) if kind == "with" else ("with", bleeding)
    if count < needed:
        raise UsageError(
            f"only {count} labelled scans {kind} blood; {needed} are needed to set a threshold "
            f"for {point} within 0.10. Label {needed - count} more, or keep the card's threshold"
        )
    if other < MIN_OTHER:
        raise UsageError(
            f"only {other} labelled scans {other_kind} blood; at least {MIN_OTHER} are needed to "
            f"fit a temperature. Label {MIN_OTHER - other} more"
        )


Pairs = tuple[NDArray[np.bool_], Floats]


def _scan_pairs(cases: Sequence[ScanCase], label: str) -> Pairs:
    return _known((c.truth.present.get(label), c.scan.answer.probs.get(label)) for c in cases)


def _slice_pairs(matched: Matched, label: str) -> Pairs:
    return _known((c.truth.present.get(label), c.slice.probs.get(label)) for c in matched.slices)


def _known(pairs: Iterable[tuple[bool | None, float | None]]) -> Pairs:
    known = [(y, p) for y, p in pairs if y is not None and p is not None]
    return np.array([k[0] for k in known], bool), np.array([k[1] for k in known], np.float64)


def _ratio(pairs: Pairs) -> float:
    """New over old temperature of one label; 1 where there are too few cases."""
    y, p = pairs
    if min(int(y.sum()), int((~y).sum())) < MIN_OTHER:
        return 1.0
    # what is stored is sigmoid((logit + bias) / T): its logit only needs the factor on T
    return fit_temperature(y, logit(p))


def _scan_scores(
    cases: Sequence[ScanCase], current: Current, of_slices: Floats, of_scans: Floats
) -> Floats:
    """``(scans, 6)`` scan probabilities as the network would give them with new temperatures."""
    rows = []
    for case in cases:
        scan = case.scan
        if current.pool is not None and scan.slices:
            slices = np.array([[one.probs.get(x) or 0.0 for x in LABELS] for one in scan.slices])
            rows.append(current.pool(scan, sigmoid(logit(slices) / of_slices)))
        else:
            probs = np.array([scan.answer.probs.get(label) or 0.0 for label in LABELS])
            rows.append(sigmoid(logit(probs) / of_scans))
    return np.array(rows)


def _fit_label(
    matched: Matched,
    cases: Sequence[ScanCase],
    scores: Floats,
    column: int,
    current: Current,
    point: OperatingPoint,
    *,
    slice_ratio: float,
    scan_ratio: float,
) -> LabelFit:
    label = LABELS[column]
    known = np.array([case.truth.present.get(label) is not None for case in cases], bool)
    y = np.array([bool(case.truth.present.get(label)) for case in cases], bool)[known]
    before = np.array([case.scan.answer.probs.get(label) or 0.0 for case in cases])[known]
    after = scores[known]
    positives, negatives = int(y.sum()), int((~y).sum())
    temperature = current.temperature[column] * slice_ratio
    scan_temperature = current.scan_temperature[column] * scan_ratio
    moved = scan_ratio if current.pool is None else slice_ratio
    slice_threshold = _slice_threshold(matched, column, current, point, slice_ratio)
    have = positives if point.measure == "sensitivity" else negatives
    needed = needed_cases(point.value)
    if have < needed or min(positives, negatives) < 1:
        kind = "with" if point.measure == "sensitivity" else "without"
        return LabelFit(
            *(label, positives, negatives, temperature, scan_temperature),
            scan_threshold=_moved(current.scan_threshold[column], moved),
            slice_threshold=_moved(current.slice_threshold[column], slice_ratio),
            reason=f"{have} scans {kind} it, {needed} needed: calls kept",
        )
    patients = np.array([case.scan.patient for case in cases], np.str_)[known]
    return LabelFit(
        *(label, positives, negatives, temperature, scan_temperature),
        scan_threshold=fit_threshold(y, after, point),
        slice_threshold=slice_threshold,
        log_loss=(log_loss(y, before), log_loss(y, after)),
        ece=(expected_calibration_error(y, before), expected_calibration_error(y, after)),
        held_out=_held_out(y, after, patients, point),
    )


def _moved(threshold: float, ratio: float) -> float:
    """A threshold moved along with its scale, so that the same slices and scans are called."""
    return float(sigmoid(logit(threshold) / ratio))


def _slice_threshold(
    matched: Matched, column: int, current: Current, point: OperatingPoint, ratio: float
) -> float:
    y, p = _slice_pairs(matched, LABELS[column])
    if min(int(y.sum()), int((~y).sum())) < MIN_OTHER:
        return _moved(current.slice_threshold[column], ratio)
    return fit_threshold(y, sigmoid(logit(p) / ratio), point)


def _held_out(
    y: NDArray[np.bool_], p: Floats, patients: NDArray[np.str_], point: OperatingPoint
) -> Confusion | None:
    """Calls on patients that the threshold was not fitted on."""
    names = np.unique(patients)
    fold_of = dict(
        zip(names, np.random.default_rng(0).permutation(len(names)) % FOLDS, strict=True)
    )
    folds = np.array([fold_of[name] for name in patients])
    calls = np.zeros(len(y), bool)
    for fold in range(FOLDS):
        train = folds != fold
        if not y[train].any() or y[train].all():
            return None
        calls[~train] = p[~train] >= fit_threshold(y[train], p[train], point)
    return confusion(y, calls)
