"""All training slices head-cropped once, on disk, ready to be augmented.

    python -m training.cache DATA CACHE

One ``<source>.npy`` of uint8 ``(n, channels, 448, 448)`` a source (channels: previous,
this, next slice; one for lone slices), 0…80 HU → 0…255, covering 1.2 times the head box
of :mod:`ich_cli.models.headbox`; ``index.csv`` with labels and folds; ``masks.npz``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from ich_cli.models.headbox import head_box
from ich_cli.models.resample import Box, resample_box
from training.sources import LABEL_COLUMNS, LabelledSlice, Stack, read_all
from training.splits import fold_of

SIDE = 448
MASK_SIDE = 224
CONTEXT = 1.2


def build(data: Path, cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, object]] = []
    pictures: dict[str, list[np.ndarray]] = {}
    masks: dict[str, np.ndarray] = {}
    for stack in read_all(data):
        store = pictures.setdefault(stack.source, [])
        for index, item in enumerate(stack.slices):
            box = context_box(head_box(item.hu, (stack.pixel_mm, stack.pixel_mm)))
            store.append(_crop(stack, index, box))
            key = f"{stack.source}/{item.name}"
            if item.mask is not None:
                masks[key] = _crop_mask(item.mask, box)
            rows.append(
                {
                    "key": key,
                    "source": stack.source,
                    "row": len(store) - 1,
                    "patient": stack.patient,
                    "index": index,
                    "fold": fold_of(stack.patient),
                    "pixel_mm": stack.pixel_mm * (box.x1 - box.x0) / SIDE,
                    "boxes": json.dumps(_crop_boxes(item, box)),
                    **dict(zip(LABEL_COLUMNS, item.labels.tolist(), strict=True)),
                }
            )
    for source, stacked in pictures.items():
        np.save(cache / f"{source}.npy", np.stack(stacked))
    np.savez_compressed(cache / "masks.npz", **masks)
    pd.DataFrame(rows).to_csv(cache / "index.csv", index=False)


def context_box(box: Box) -> Box:
    """``CONTEXT`` times the box, so that turned and shifted heads stay inside."""
    cy, cx = (box.y0 + box.y1) / 2, (box.x0 + box.x1) / 2
    half_y, half_x = (box.y1 - box.y0) / 2 * CONTEXT, (box.x1 - box.x0) / 2 * CONTEXT
    return Box(cy - half_y, cy + half_y, cx - half_x, cx + half_x)


def _crop(stack: Stack, index: int, box: Box) -> np.ndarray:
    last = len(stack.slices) - 1
    wanted = [index] if last == 0 else [max(index - 1, 0), index, min(index + 1, last)]
    hu = np.stack([stack.slices[i].hu for i in wanted])
    return (
        np.round(resample_box(hu, box, (SIDE, SIDE)) * (255.0 / 80.0)).clip(0, 255).astype(np.uint8)
    )


def _crop_mask(mask: np.ndarray, box: Box) -> np.ndarray:
    out = np.zeros((MASK_SIDE, MASK_SIDE), np.uint8)
    for bit in range(6):
        layer = ((mask >> bit) & 1).astype(np.float32)
        if layer.any():
            out |= (resample_box(layer, box, (MASK_SIDE, MASK_SIDE)) > 0.5).astype(np.uint8) << bit
    return out


def _crop_boxes(item: LabelledSlice, box: Box) -> list[list[float]]:
    """Boxes as ``[label, x0, y0, x1, y1]`` in fractions of the crop."""
    rows, cols = item.hu.shape
    out = []
    for kind, cx, cy, w, h in item.boxes:
        xs = [(cx + s * w / 2) * cols for s in (-1, 1)]
        ys = [(cy + s * h / 2) * rows for s in (-1, 1)]
        fx = [(x - box.x0) / (box.x1 - box.x0) for x in xs]
        fy = [(y - box.y0) / (box.y1 - box.y0) for y in ys]
        out.append([kind, round(fx[0], 4), round(fy[0], 4), round(fx[1], 4), round(fy[1], 4)])
    return out


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]))
