"""Random training samples: which slice, which inserted bleed, what is known of it.

A sample, before :mod:`training.samples.augment` moves it: ``image`` ``(3, 448, 448)`` uint8,
0…80 HU → 0…255 (previous, this, next slice), ``labels`` ``(6,)`` of 0…1 or −1 for unknown;
of ``(224, 224)`` uint8 with bit *k* for label *k*: ``mask``, ``known`` (where the mask counts,
as much as ``weight`` ``(6,)`` says) and ``boxes``: where a box says "somewhere in here".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from training.data.crop import MASK_SIDE
from training.data.opinions import opinions
from training.data.pictures import open_pictures
from training.data.sources import LABEL_COLUMNS, READERS
from training.samples.insert import LABEL, insert
from training.samples.mimic import KINDS, OVER_BLOOD, add_mimic

INSERTED = {"edh": 0.33, "sdh": 0.33, "sah": 0.16, "iph": 0.09, "ivh": 0.09}
CAN_HOLD_A_BLEED = ("rsna_slices", "rsna_scans", "ctich", "rsna_dicom_slices", "rsna2019")
MIX = {
    "positive": 0.34,
    "boxes": 0.05,
    "phe": 0.05,
    "inserted": 0.11,
    "negative": 0.40,
    "simulated": 0.05,
}
POOLS = tuple(MIX)
SOURCES = (*READERS, "simulated", "rsna2019")
MIMICS = {"positive": 0.12, "inserted": 0.3, "negative": 0.3}
"""How often a slice of a pool gets something that looks like blood and is none."""

NO_MIMIC = -1

DOUBT = 0.5
"""Weight of a second opinion against the given label."""

SURELY_NOT = 0.05
"""Where nobody labelled, a second opinion below this says that no pixel bleeds."""

OUTLINED = 0.4
"""Weight of a pixel that networks outlined, against one that a person did."""


class Samples:
    """Draws samples for ever; the folds of ``holdout`` are never seen.

    ``teacher`` holds second opinions (:mod:`training.teach`), ``outlines`` masks that
    networks drew (:mod:`training.outline`).
    """

    def __init__(
        self,
        cache: Path,
        holdout: Sequence[int],
        teacher: Sequence[Path] = (),
        outlines: Path | None = None,
    ) -> None:
        self.opinions = opinions(*teacher) if teacher else {}
        self.outlines = dict(np.load(outlines)) if outlines else {}
        table = pd.read_csv(cache / "index.csv")
        table = table[~table.fold.isin(holdout)]
        self.picture = open_pictures(cache, table)
        drawn = cache / "masks.npz"
        self.masks = dict(np.load(drawn)) if drawn.exists() else {}
        named = table["any"] >= 0
        phe, boxes = table.source == "phe_sich", table.source == "rsna_boxes"
        simulated = table.source == "simulated"
        natural = named & ~phe & ~boxes & ~simulated
        self.pools = {
            "positive": table[natural & (table["any"] == 1)].reset_index(drop=True),
            "negative": table[natural & (table["any"] == 0)].reset_index(drop=True),
            "boxes": table[boxes].reset_index(drop=True),
            "simulated": table[simulated].reset_index(drop=True),
            "phe": table[phe & ((table["any"] == 1) | table.key.isin(self.opinions))].reset_index(
                drop=True
            ),
        }
        positive = self.pools["positive"]
        rarity = np.array([3.0, 1.0, 1.4, 1.0, 1.2])
        weight = (positive[list(LABEL_COLUMNS[1:])].to_numpy() * rarity).max(1)
        weight = np.where(positive.source == "ctich", weight * 0.55, weight)
        self.weights = {"positive": weight / weight.sum()}
        negative = self.pools["negative"]
        holds = negative.source.isin(CAN_HOLD_A_BLEED)
        self.pools["inserted"] = negative[holds].reset_index(drop=True)
        self.mix = MIX
        if not all(len(table) for table in self.pools.values()):
            there = {name: share for name, share in MIX.items() if len(self.pools[name])}
            self.mix = {name: share / sum(there.values()) for name, share in there.items()}

    def draw(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        pool = str(rng.choice(list(self.mix), p=list(self.mix.values())))
        table = self.pools[pool]
        for _ in range(12):
            row = table.iloc[int(rng.choice(len(table), p=self.weights.get(pool)))]
            sample = self._sample(row, pool, rng)
            if sample is not None:
                return sample
        return self.draw(rng)

    def _sample(self, row: pd.Series, pool: str, rng: np.random.Generator) -> dict | None:
        labels = row[list(LABEL_COLUMNS)].to_numpy(np.float32)
        opinion = self.opinions.get(row.key)
        without = labels == 0
        if opinion is not None:
            without |= (labels < 0) & (opinion < SURELY_NOT)
        mask, known, weight = self._outline(row.key, labels, without)
        boxes = _boxed(json.loads(row.boxes), mask, labels)
        if row.source == "ctich":
            labels = np.where(labels >= 0, labels * 0.98 + 0.01, labels)
        if opinion is not None:
            doubted = (1 - DOUBT) * labels + DOUBT * opinion
            labels = np.where(labels >= 0, doubted, opinion)
        picture = self.picture(row)
        mimicked, mimic = rng.random() < MIMICS.get(pool, 0.0), NO_MIMIC
        if mimicked or pool == "inserted":
            hu = picture.astype(np.float32) * (80.0 / 255.0)
            if mimicked:
                kind = str(rng.choice(OVER_BLOOD if pool == "positive" else list(KINDS)))
                changed = add_mimic(hu, float(row.pixel_mm), kind, rng)
                if changed is not None:
                    hu, mimic = changed, list(KINDS).index(kind)
            if pool == "inserted":
                bleeding = _bleed(hu, float(row.pixel_mm), rng)
                if bleeding is None:
                    return None
                hu, inserted = bleeding
                for kind, bits in inserted.items():
                    both = np.uint8(1 | 1 << kind)
                    mask, known = mask | bits * both, known | both
                    labels[[0, kind]], weight[[0, kind]] = 1.0, 1.0
            picture = np.round(hu * (255.0 / 80.0)).clip(0, 255).astype(np.uint8)
        return {
            "image": np.repeat(picture, 3, 0) if len(picture) == 1 else picture,
            "labels": labels.astype(np.float32),
            "weight": weight,
            "mask": mask,
            "known": known,
            "boxes": boxes,
            "fold": np.int64(row.fold),
            "source": np.int64(SOURCES.index(row.source)),
            "pool": np.int64(POOLS.index(pool)),
            "mimic": np.int64(mimic),
        }

    def _outline(
        self, key: str, labels: np.ndarray, without: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """``mask`` and ``known`` as bits, ``weight``: drawn by a person, else by networks."""
        mask = np.zeros((MASK_SIDE, MASK_SIDE), np.uint8)
        known = np.full_like(mask, _bits(without))
        weight = np.ones(6, np.float32)
        drawn, guessed = self.masks.get(key), self.outlines.get(key)
        if drawn is not None:
            mask = drawn
            shown = np.array([(drawn >> k & 1).any() for k in range(6)])
            known = known | _bits(shown & (labels == 1))
        elif guessed is not None:
            open_to_doubt = _bits(~without)
            mask, known = guessed[0] & open_to_doubt, known | (guessed[1] & open_to_doubt)
            weight[~without] = OUTLINED
        return mask, known, weight


def _bits(labels: np.ndarray) -> np.uint8:
    """``(6,)`` bool as one number, bit *k* for label *k*."""
    return np.uint8((labels << np.arange(6)).sum())


def _boxed(boxes: list[list[float]], mask: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Bits of where boxes say blood, of labels that have no mask yet."""
    out = np.zeros_like(mask)
    for k, x0, y0, x1, y1 in boxes:
        if (mask >> int(k) & 1).any() or labels[int(k)] != 1:
            continue
        ys = slice(max(0, round(y0 * MASK_SIDE)), round(y1 * MASK_SIDE))
        xs = slice(max(0, round(x0 * MASK_SIDE)), round(x1 * MASK_SIDE))
        out[ys, xs] |= np.uint8(1 | 1 << int(k))
    return out


def _bleed(
    hu: np.ndarray, pixel_mm: float, rng: np.random.Generator
) -> tuple[np.ndarray, dict[int, np.ndarray]] | None:
    """One bleed or two drawn into ``(3, y, x)``, and the mask of each label; None: no room."""
    kinds = rng.choice(list(INSERTED), size=1 + (rng.random() < 0.12), p=list(INSERTED.values()))
    masks = {}
    for kind in sorted(set(kinds.tolist())):
        done = insert(hu, pixel_mm, kind, rng)
        if done is None:
            return None
        hu, where = done
        small = cv2.resize(
            where.astype(np.float32), (MASK_SIDE, MASK_SIDE), interpolation=cv2.INTER_AREA
        )
        masks[LABEL[kind]] = (small >= 0.5).astype(np.uint8)
    return hu, masks
