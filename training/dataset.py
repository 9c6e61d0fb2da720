"""Random training samples: which slice, which inserted bleed, how it is changed.

A sample: ``image`` ``(3, s, s)`` 0…1 (previous, this, next slice), ``labels`` ``(6,)`` of
0…1 or −1 for unknown, ``mask`` ``(6, m, m)`` 0…1 and ``known`` ``(6, m, m)`` weights of
what is known of it, ``boxes`` ``(6, m, m)``: where a box says "somewhere in here".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from training.cache import CONTEXT, SIDE
from training.insert import LABEL, insert
from training.pictures import open_pictures
from training.sources import LABEL_COLUMNS
from training.teach import opinions

INSERTED = {"edh": 0.33, "sdh": 0.33, "sah": 0.16, "iph": 0.09, "ivh": 0.09}
CAN_HOLD_A_BLEED = ("rsna_slices", "rsna_scans", "ctich", "rsna_dicom_slices", "rsna2019")
MIX = {"positive": 0.30, "boxes": 0.07, "phe": 0.05, "inserted": 0.20, "negative": 0.38}
DOUBT = 0.4
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
        size: int,
        mask_size: int,
        teacher: Path | None = None,
        outlines: Path | None = None,
    ) -> None:
        self.size, self.mask_size = size, mask_size
        self.opinions = opinions(teacher) if teacher else {}
        self.outlines = dict(np.load(outlines)) if outlines else {}
        table = pd.read_csv(cache / "index.csv")
        table = table[~table.fold.isin(holdout)]
        self.picture = open_pictures(cache, table)
        drawn = cache / "masks.npz"
        self.masks = dict(np.load(drawn)) if drawn.exists() else {}
        named = table["any"] >= 0
        phe, boxes = table.source == "phe_sich", table.source == "rsna_boxes"
        natural = named & ~phe & ~boxes
        self.pools = {
            "positive": table[natural & (table["any"] == 1)].reset_index(drop=True),
            "negative": table[natural & (table["any"] == 0)].reset_index(drop=True),
            "boxes": table[boxes].reset_index(drop=True),
            "phe": table[phe & ((table["any"] == 1) | table.key.isin(self.opinions))].reset_index(
                drop=True
            ),
        }
        positive = self.pools["positive"]
        rarity = np.array([3.0, 1.0, 1.4, 1.0, 1.2])
        weight = (positive[list(LABEL_COLUMNS[1:])].to_numpy() * rarity).max(1)
        weight = np.where(positive.source == "ctich", weight * 0.55, weight)
        self.weights = {"positive": weight / weight.sum()}
        holds = self.pools["negative"].source.isin(CAN_HOLD_A_BLEED).to_numpy()
        self.weights["inserted"] = holds / max(holds.sum(), 1)
        self.pools["inserted"] = self.pools["negative"]
        self.mix = MIX
        if not all(len(table) for table in self.pools.values()):
            there = {name: share for name, share in MIX.items() if len(self.pools[name])}
            self.mix = {name: share / sum(there.values()) for name, share in there.items()}

    def draw(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        pool = str(rng.choice(list(self.mix), p=list(self.mix.values())))
        table = self.pools[pool]
        for _ in range(12):
            row = table.iloc[int(rng.choice(len(table), p=self.weights.get(pool)))]
            sample = self._sample(row, pool == "inserted", rng)
            if sample is not None:
                return sample
        return self.draw(rng)

    def _sample(self, row: pd.Series, insert_one: bool, rng: np.random.Generator) -> dict | None:
        picture = self.picture(row).astype(np.float32) * (80.0 / 255.0)
        labels = row[list(LABEL_COLUMNS)].to_numpy(np.float32)
        opinion = self.opinions.get(row.key)
        without = labels == 0
        if opinion is not None:
            without |= (labels < 0) & (opinion < SURELY_NOT)
        mask, known = self._outline(row.key, labels, without)
        boxes = np.zeros_like(mask)
        for k, x0, y0, x1, y1 in json.loads(row.boxes):
            if mask[int(k)].any() or labels[int(k)] != 1:
                continue
            ys = slice(max(0, round(y0 * SIDE / 2)), round(y1 * SIDE / 2))
            xs = slice(max(0, round(x0 * SIDE / 2)), round(x1 * SIDE / 2))
            boxes[int(k), ys, xs] = 1.0
            boxes[0, ys, xs] = 1.0
        if row.source == "ctich":
            labels = np.where(labels >= 0, labels * 0.98 + 0.01, labels)
        if opinion is not None:
            doubted = (1 - DOUBT) * labels + DOUBT * opinion
            labels = np.where(labels >= 0, doubted, opinion).astype(np.float32)
        if insert_one:
            kinds = rng.choice(
                list(INSERTED), size=1 + (rng.random() < 0.12), p=list(INSERTED.values())
            )
            for kind in set(kinds.tolist()):
                done = insert(picture, float(row.pixel_mm), kind, rng)
                if done is None:
                    return None
                picture, where = done
                small = cv2.resize(
                    where.astype(np.float32), (SIDE // 2,) * 2, interpolation=cv2.INTER_AREA
                )
                for k in (0, LABEL[kind]):
                    labels[k], mask[k], known[k] = 1.0, np.maximum(mask[k], small), 1.0
        picture, mask, known, boxes = self._move(picture, mask, known, boxes, rng)
        image = self._look(picture, rng)
        return {
            "image": image.astype(np.float32),
            "labels": labels.astype(np.float32),
            "mask": mask,
            "known": known,
            "boxes": boxes,
        }

    def _outline(self, key: str, labels: np.ndarray, without: np.ndarray):
        """``mask`` and ``known`` ``(6, y, x)``: drawn by a person, else by networks."""
        shape = (6, SIDE // 2, SIDE // 2)
        mask = np.zeros(shape, np.float32)
        known = np.broadcast_to(without[:, None, None], shape).astype(np.float32)
        bits, guessed = self.masks.get(key), self.outlines.get(key)
        if bits is not None:
            for k in range(6):
                mask[k] = (bits >> k) & 1
                if labels[k] == 1 and mask[k].any():
                    known[k] = 1.0
        elif guessed is not None:
            for k in np.flatnonzero(~without):
                mask[k] = (guessed[0] >> k) & 1
                known[k] = OUTLINED * ((guessed[1] >> k) & 1)
        return mask, known

    def _move(self, picture, mask, known, boxes, rng):
        """Rotation, scale, shift and mirror, the same for picture and masks."""
        wild = rng.random() < 0.06
        angle = rng.uniform(-110, 110) if wild else rng.uniform(-22, 22)
        zoom = CONTEXT * np.exp(rng.normal(0, 0.07))
        stretch = np.exp(rng.normal(0, 0.03))
        turn = np.deg2rad(angle)
        mirror = -1.0 if rng.random() < 0.5 else 1.0
        shift = rng.normal(0, 0.02, 2)

        def matrix(src: int, dst: int) -> np.ndarray:
            s = zoom * dst / src
            a = np.array(
                [[np.cos(turn) * mirror, -np.sin(turn)], [np.sin(turn) * mirror, np.cos(turn)]]
            )
            a = a @ np.diag([s * stretch, s / stretch])
            offset = np.array([dst / 2, dst / 2]) * (1 + shift) - a @ np.array([src / 2, src / 2])
            return np.column_stack([a, offset])

        to_image, to_mask = matrix(SIDE, self.size), matrix(SIDE // 2, self.mask_size)
        size, small = (self.size, self.size), (self.mask_size, self.mask_size)
        if self.size < SIDE // CONTEXT:
            sigma = 0.35 * SIDE / (self.size * zoom)
            picture = np.stack([cv2.GaussianBlur(p, (0, 0), sigma) for p in picture])
        picture = np.stack(
            [cv2.warpAffine(p, to_image, size, flags=cv2.INTER_LINEAR) for p in picture]
        )

        def warp(layers: np.ndarray) -> np.ndarray:
            if not layers.any():
                return np.zeros((6, *small), np.float32)
            if (layers == layers[:, :1, :1]).all():
                return np.broadcast_to(layers[:, :1, :1], (6, *small)).astype(np.float32)
            out = cv2.warpAffine(layers.transpose(1, 2, 0), to_mask, small, flags=cv2.INTER_LINEAR)
            return out.transpose(2, 0, 1)

        return picture, warp(mask), warp(known), warp(boxes)

    def _look(self, picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Neighbours, HU shift, gain, window, blur, noise; back to 0…1."""
        if picture.shape[0] == 3 and rng.random() < 0.35:
            picture = picture[1:2]
        elif picture.shape[0] == 3 and rng.random() < 0.5:
            picture = picture[::-1]
        if rng.random() < 0.7:
            picture = picture * rng.uniform(0.9, 1.1) + rng.normal(0, 2.0) * (picture > 1)
        if rng.random() < 0.25:
            picture = (picture / 80.0).clip(0, 1) ** np.exp(rng.normal(0, 0.12)) * 80.0
        if rng.random() < 0.25:
            sigma = rng.uniform(0.4, 1.1) * self.size / 308
            picture = np.stack([cv2.GaussianBlur(p, (0, 0), sigma) for p in picture])
        if rng.random() < 0.35:
            noise = rng.standard_normal(picture.shape).astype(np.float32)
            if rng.random() < 0.5:
                noise = np.stack([cv2.GaussianBlur(n, (0, 0), 0.8) for n in noise]) * 2.0
            picture = picture + noise * rng.uniform(0.5, 4.5) * (picture > 1)
        if rng.random() < 0.1:
            y, x = rng.integers(0, self.size, 2)
            h, w = rng.integers(self.size // 12, self.size // 4, 2)
            picture = picture.copy()
            picture[:, y : y + h, x : x + w] = 0
        picture = np.ascontiguousarray(picture, np.float32).clip(0, 80) / 80.0
        return np.repeat(picture, 3, 0) if picture.shape[0] == 1 else picture
