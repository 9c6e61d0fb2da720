"""All training slices head-cropped once, on disk, ready to be augmented.

    python -m training.cache DATA CACHE [--workers N]

One ``<source>.npy`` of uint8 ``(n, channels, 448, 448)`` a source (channels: previous,
this, next slice; one for lone slices), 0…80 HU → 0…255, covering 1.2 times the head box
of :mod:`ich_cli.models.headbox`; ``index.csv`` with labels and folds; ``masks.npz``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from pathlib import Path

import numpy as np
import pandas as pd

from ich_cli.models.headbox import head_box
from ich_cli.models.resample import Box, resample_box
from training.data.crop import MASK_SIDE, SIDE, context_box
from training.data.sources import LABEL_COLUMNS, READERS, LabelledSlice, Reader, Stack
from training.splits import fold_of


def build(data: Path, cache: Path, workers: int = 1) -> None:
    """Store the sources that are there; each source is one process's work."""
    cache.mkdir(parents=True, exist_ok=True)
    there = {name: reader for name, reader in READERS.items() if (data / name).is_dir()}
    jobs = [(reader, data / name, cache / f"{name}.npy") for name, reader in there.items()]
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        parts = pool.starmap(_build_source, jobs, chunksize=1)
    np.savez_compressed(
        cache / "masks.npz", **{k: v for _, masks in parts for k, v in masks.items()}
    )
    pd.DataFrame([row for rows, _ in parts for row in rows]).to_csv(
        cache / "index.csv", index=False
    )


def _build_source(
    reader: Reader, root: Path, pictures: Path
) -> tuple[list[dict[str, object]], dict[str, np.ndarray]]:
    """Store one source's pictures; its rows of the index, and its masks by key."""
    rows: list[dict[str, object]] = []
    masks: dict[str, np.ndarray] = {}
    store = []
    for stack in reader(root):
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
    np.save(pictures, np.stack(store))
    return rows, masks


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    build(args.data, args.cache, args.workers)


if __name__ == "__main__":
    main()
