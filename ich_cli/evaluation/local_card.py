"""A model card with local temperatures and thresholds, written beside the original."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from ich_cli.domain import LABELS, Interval
from ich_cli.errors import UsageError
from ich_cli.evaluation.calibrate import LocalFit

DIGITS = 6
"""Significant ones of what is written."""


def local_card(original: Path, name: str, fit: LocalFit, *, scan_head: bool) -> str:
    """The YAML text of a card that differs from the original only in what was fitted.

    Args:
        original: The card it is made from; read, never written.
        name: Of the local card.
        fit: Temperatures and thresholds.
        scan_head: Whether scan probabilities come from a scan-level network.

    Raises:
        UsageError: The original is no YAML mapping.
    """
    content = yaml.safe_load(original.read_text(encoding="utf-8"))
    if not isinstance(content, Mapping):
        raise UsageError(f"{original} is no model card")
    card: dict[str, Any] = copy.deepcopy(dict(content))
    card["name"] = name
    _set(card, ("calibration", "temperature"), [_short(f.temperature) for f in fit.labels])
    _set(card, ("thresholds", "scan"), [_short_of_ends(f.scan_threshold) for f in fit.labels])
    _set(card, ("thresholds", "slice"), [_short_of_ends(f.slice_threshold) for f in fit.labels])
    if scan_head:
        _set(
            card,
            ("scan", "calibration", "temperature"),
            [_short(f.scan_temperature) for f in fit.labels],
        )
    card["metrics"] = {**(card.get("metrics") or {}), "local_calibration": _record(original, fit)}
    note = f"Temperatures and thresholds fitted on local scans; made from {original.name}."
    card["notes"] = " ".join(part for part in (str(card.get("notes") or "").strip(), note) if part)
    return yaml.safe_dump(card, sort_keys=False, allow_unicode=True, width=100)


def _set(card: dict[str, Any], path: tuple[str, ...], values: list[float]) -> None:
    """Put six numbers at a place of the card, making the mappings on the way."""
    place = card
    for key in path[:-1]:
        place[key] = dict(place.get(key) or {})
        place = place[key]
    place[path[-1]] = values


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _short_of_ends(threshold: float) -> float:
    """A threshold in few digits that is 0 or 1 only if it was: these call all, or none."""
    return _short(threshold) if threshold < 0.5 else 1.0 - _short(1.0 - threshold)


def _record(original: Path, fit: LocalFit) -> dict[str, Any]:
    labels: dict[str, Any] = {}
    for one in fit.labels:
        facts: dict[str, Any] = {"positives": one.positives, "negatives": one.negatives}
        if one.reason:
            facts["unchanged"] = one.reason
        if one.log_loss is not None:
            facts["log_loss_before_after"] = [round(v, 4) for v in one.log_loss]
        if one.ece is not None:
            facts["ece_before_after"] = [round(v, 4) for v in one.ece]
        if one.held_out is not None:
            facts["held_out_sensitivity"] = _interval(one.held_out.sensitivity)
            facts["held_out_specificity"] = _interval(one.held_out.specificity)
        labels[one.label] = facts
    return {
        "date": date.today().isoformat(),
        "made_from": original.name,
        "operating_point": str(fit.point),
        "scans": fit.n_scans,
        "slices": fit.n_slices,
        "patients": fit.n_patients,
        "labels": {label: labels[label] for label in LABELS},
    }


def _interval(interval: Interval | None) -> list[float] | None:
    if interval is None:
        return None
    return [round(v, 4) for v in (interval.value, interval.low, interval.high)]
