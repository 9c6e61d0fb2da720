"""The model card's side of ``ich calibrate``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ich_cli.dicom.geometry import slice_lengths
from ich_cli.domain import FloatArray
from ich_cli.errors import ModelError, UsageError
from ich_cli.evaluation.calibrate import Current, LocalFit, Pool
from ich_cli.evaluation.local_card import local_card
from ich_cli.evaluation.results import ScoredScan
from ich_cli.findings.aggregate import pool_slices
from ich_cli.findings.policy import policy_of
from ich_cli.models.card import AnyCard, load_card
from ich_cli.models.registry import find_card
from ich_cli.reports.atomic import atomic_text


def card_of(scans: Sequence[ScoredScan], model: str | None) -> tuple[Path, AnyCard]:
    """The card that made the results.

    Raises:
        UsageError: The results are of several networks, or of other weights than the card's.
        ModelError: There is no such card.
    """
    made = {(scan.model, scan.model_sha256) for scan in scans if scan.model}
    if len(made) != 1:
        raise UsageError("calibrate needs the results of one network; scan with one --model")
    name, sha256 = made.pop()
    path = find_card(model or name or "")
    card = load_card(path)
    if card.sha256 != sha256:
        raise UsageError(
            f"the results were made by other weights than those of {path.name}; scan again with "
            f"--model {path.stem}, or name the card with --model"
        )
    return path, card


def current_of(card: AnyCard) -> Current:
    """What the card says now, and how it makes scans of slices."""
    return Current(
        temperature=card.calibration.temperature,
        scan_temperature=card.scan.calibration.temperature,
        scan_threshold=card.thresholds.scan,
        slice_threshold=card.thresholds.slice,
        pool=None if card.scan.method == "head" else _pooling(card),
    )


def write_card(original: Path, card: AnyCard, name: str | None, fit: LocalFit) -> Path:
    """Write the local card beside the original; never over a card that is there.

    Raises:
        UsageError: The name is taken, or is no plain name.
        OutputError: The folder of the weights cannot be written.
    """
    name = name or f"{original.stem}-local"
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise UsageError(f"{name!r} is no name for a card; use letters, digits and hyphens")
    path = original.with_name(f"{name}.yaml")
    if path.exists() or path.with_suffix(".yml").exists():
        raise UsageError(f"{path} is there already; choose another --name, or move it away")
    text = local_card(original, name, fit, scan_head=card.scan.method == "head")
    with atomic_text(path) as file:
        file.write(text)
    try:
        load_card(path)
    except ModelError:
        path.unlink(missing_ok=True)
        raise
    return path


def _pooling(card: AnyCard) -> Pool:
    policy = policy_of(card)

    def pool(scan: ScoredScan, probs: NDArray[np.float64]) -> NDArray[np.float64]:
        return pool_slices(probs.astype(np.float32), slice_mm(scan), policy)

    return pool


def slice_mm(scan: ScoredScan) -> FloatArray:
    """``(z,)`` the length of normal that each slice stands for, as the scan had it."""
    usual = (scan.acquisition.get("spacing_mm") or [5.0])[0]
    places = [one.position_mm for one in scan.slices if one.position_mm is not None]
    if len(places) < 2 or len(places) < len(scan.slices):
        return np.full(len(scan.slices), usual, np.float32)
    # In a tilted stack the way from slice to slice is longer than that along the normal, by
    # the same factor everywhere. Hundredths, because recorded positions are rounded.
    way = np.linalg.norm(np.diff(places, axis=0), axis=1)
    steps = usual * np.round(way / np.median(way), 2)
    return slice_lengths(np.concatenate([[0.0], np.cumsum(steps)]))
