"""What a shipped network says of the cases that its training never saw.

Predictions come through ``ich_cli.load_model(...).predict`` alone, as a user's do. They
are kept in a file, so that tables and calibration need not run the network again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import ich_cli
from ich_cli.models.card import AnyCard, Card
from ich_cli.models.model import Model
from training.data import bhsd, sources
from training.data.sources import LABEL_COLUMNS
from training.splits import HOLDOUT, fold_of

ASSUMED_SLICE_MM = 5.0
PHE_PATIENTS = 12
"""So many held-out PHE-SICH patients are read: all of them bleed, and frankly."""

MASK_THRESHOLDS = np.round(np.arange(0.05, 0.75, 0.05), 2)


@dataclass(frozen=True)
class Prediction:
    """Slices and what the network said: ``table`` row by row with ``probs`` ``(n, 6)``.

    ``source`` and ``name`` are the key of a slice; ``index`` its place in the stack.
    """

    table: pd.DataFrame
    probs: np.ndarray


def labelled(network: Model, data: Path) -> Prediction:
    """All labelled slices of the held-out fold, each stack read as a stack."""
    rows, probs = [], []
    frank: set[str] = set()
    for stack in sources.read_all(data):
        if fold_of(stack.patient) != HOLDOUT or stack.source == "rsna_boxes":
            continue
        if stack.source == "phe_sich":
            frank.add(stack.patient)
            if len(frank) > PHE_PATIENTS:
                continue
        hu = np.stack([item.hu for item in stack.slices])
        spacing = (ASSUMED_SLICE_MM, stack.pixel_mm, stack.pixel_mm)
        probs.append(network.predict(hu, spacing, lazy_masks=True).probs)
        for index, item in enumerate(stack.slices):
            labels = dict(zip(LABEL_COLUMNS, item.labels.tolist(), strict=True))
            rows.append(
                {
                    "source": stack.source,
                    "patient": stack.patient,
                    "name": item.name,
                    "index": index,
                    **labels,
                }
            )
    return Prediction(pd.DataFrame(rows), np.concatenate(probs))


def kept(network: Model, data: Path, work: Path) -> Prediction:
    """As :func:`labelled`, from the file in ``work`` where these weights were read before."""
    path = kept_path(network.card, work)
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        save(path, labelled(network, data))
    found = load(path)
    if "name" not in found.table:
        raise SystemExit(f"{path} does not name its slices: delete it and call again")
    return found


def kept_path(card: AnyCard, work: Path) -> Path:
    """Where the calibrated answers of a card are kept: another card, another file."""
    return work / f"{card.fingerprint[:16]}.csv"


def answers_key(card: AnyCard) -> str:
    """Names what a card's weights say, uncalibrated: their sha256, and what neighbours weigh.

    An ensemble's hangs on its members' calibration too, and so on their whole cards.
    """
    if isinstance(card, Card):
        return f"{card.sha256[:16]}-{card.scan.neighbours:g}"
    return hashlib.sha256("".join(one.fingerprint for one in card.cards).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Outlined:
    """Slices with masks: labels ``(n, 6)``, overlaps by threshold, pointing hits.

    ``overlap[n, t, label]`` holds intersection, predicted and true pixels. ``soft[n]`` are
    the masks ``(m, 6)`` of the pixels that any threshold would call blood, ``truth[n]``
    ``(m, 6)`` what these are and ``place[n]`` ``(2, m)`` their rows and columns.
    """

    names: list[str]
    labels: np.ndarray
    probs: np.ndarray
    overlap: np.ndarray
    pointing: np.ndarray
    soft: list[np.ndarray]
    truth: list[np.ndarray]
    place: list[np.ndarray]


def outlined(network: Model, data: Path) -> Outlined:
    """``bhsd_mini``: every slice has blood somewhere, with its outline."""
    names, labels, probs, overlaps, hits = [], [], [], [], []
    soft, true, place = [], [], []
    for item in bhsd.slices(data):
        found = network.predict(item.hu[None], (ASSUMED_SLICE_MM, bhsd.PIXEL_MM, bhsd.PIXEL_MM))
        truth = item.truth
        names.append(item.name)
        labels.append(truth.any((1, 2)))
        probs.append(found.probs[0])
        masks = found.masks[0]
        overlaps.append([_overlap(masks >= t, truth) for t in MASK_THRESHOLDS])
        peak = np.unravel_index(int(masks[0].argmax()), masks[0].shape)
        hits.append(bool(truth[0][peak]))
        shown = masks[0] >= MASK_THRESHOLDS[0]
        soft.append(masks[:, shown].T.astype(np.float32))
        true.append(truth[:, shown].T)
        place.append(np.array(np.nonzero(shown)))
    arrays = (np.array(part) for part in (labels, probs, overlaps, hits))
    return Outlined(names, *arrays, soft, true, place)


def _overlap(mask: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return np.stack([(mask & truth).sum((1, 2)), mask.sum((1, 2)), truth.sum((1, 2))], -1)


def dice(overlap: np.ndarray) -> np.ndarray:
    """Mean Dice over slices that have the label: ``(n, …, 3)`` counts → ``(…)``."""
    there = overlap[..., 2] > 0
    value = 2 * overlap[..., 0] / np.maximum(overlap[..., 1] + overlap[..., 2], 1)
    return np.where(there, value, 0).sum(0) / np.maximum(there.sum(0), 1)


def save(path: Path, found: Prediction) -> None:
    found.table.assign(**{f"p_{k}": found.probs[:, k] for k in range(6)}).to_csv(path, index=False)


def load(path: Path) -> Prediction:
    table = pd.read_csv(path)
    return Prediction(table, table[[f"p_{k}" for k in range(6)]].to_numpy())


def open_network(name: str) -> Model:
    return ich_cli.load_model(name, device="cpu")
