"""Add slices of simulated scans to a cache of :mod:`training.cache`.

    python -m training.simulated DATA CACHE --scans 280 --workers 16

Run again, it replaces what it added. The same ``--seed`` gives the same slices, whatever
the number of workers.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ich_cli.models.headbox import head_box
from ich_cli.models.resample import resample_box
from training.data.crop import MASK_SIDE, SIDE, context_box
from training.data.sources import LABEL_COLUMNS
from training.simulation.ready import load_head
from training.simulation.slices import KEPT, Stack, keep, labels_of, masks_of, neighbours
from training.simulation.stacks import draw_bleeds, scan, training_heads

SOURCE = "simulated"
FOLD = 9
"""No patient is in it: these slices are in every training, and in no held-out fold."""

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
Masks = dict[str, np.ndarray]
Rows = list[dict[str, object]]


@dataclass(frozen=True)
class Job:
    """Scans by number of one head, which takes longer to make ready than to scan."""

    file: Path
    mirrored: bool
    scans: tuple[int, ...]


def build(data: Path, cache: Path, scans: int, workers: int, seed: int = 1) -> int:
    """Simulate ``scans`` and put them into ``cache``; returns how many slices they gave."""
    pixels = _new(cache / f"{SOURCE}.npy")
    shape = (scans * KEPT, 3, SIDE, SIDE)
    np.lib.format.open_memmap(pixels, "w+", np.uint8, shape).flush()
    jobs = plan(data, scans)
    rows: Rows = []
    masks: Masks = {}
    # Started afresh, so that each has one thread.
    os.environ.update(dict.fromkeys(THREADS, "1"))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for done, (own, drawn) in enumerate(pool.map(partial(run, pixels, seed), jobs), start=1):
            rows += own
            masks |= drawn
            print(json.dumps({"heads": done, "of": len(jobs), "slices": len(rows)}), flush=True)
    _merge(cache, pixels, sorted(rows, key=lambda row: str(row["key"])), masks)
    return len(rows)


def plan(data: Path, scans: int) -> list[Job]:
    """Every head has as many scans as any other, give or take one."""
    heads = training_heads(data)
    if not heads:
        raise SystemExit(f"{data}: no label maps to simulate scans from")
    every = range(scans)
    jobs = [Job(*head, tuple(every[k :: len(heads)])) for k, head in enumerate(heads)]
    return [job for job in jobs if job.scans]


def run(pixels: Path, seed: int, job: Job) -> tuple[Rows, Masks]:
    """Simulate the scans of one head; write their pixels, return their rows and masks."""
    store = np.load(pixels, mmap_mode="r+")
    head, membranes = load_head(job.file, job.mirrored)
    rows: Rows = []
    masks: Masks = {}
    for number in job.scans:
        rng = np.random.default_rng([seed, number])
        stack = scan(head, membranes, draw_bleeds(head, rng), rng)
        own, drawn = write_slices(stack, number, store)
        patient = f"{SOURCE}_{job.file.name.split('.')[0][-2:]}"
        rows += [row | {"patient": patient} for row in own]
        masks |= drawn
    store.flush()
    return rows, masks


def write_slices(stack: Stack, number: int, store: np.ndarray) -> tuple[Rows, Masks]:
    """Crop the slices kept of one scan into its part of ``store`` ``(n, 3, 448, 448)``."""
    hu = stack.hu.clip(0, 80)
    bits = masks_of(stack)
    labels = labels_of(stack, bits)
    rows: Rows = []
    masks: Masks = {}
    for place, z in enumerate(keep(labels[:, 0], stack.whole), start=number * KEPT):
        key = f"{SOURCE}/{number:05d}_{z:03d}"
        box = context_box(head_box(hu[z], (stack.pixel_mm, stack.pixel_mm)))
        crop = resample_box(hu[neighbours(stack, z)], box, (SIDE, SIDE))
        store[place] = np.round(crop * (255.0 / 80.0)).clip(0, 255)
        if bits[z].any():
            layers = np.stack([(bits[z] >> k) & 1 for k in range(6)]).astype(np.float32)
            drawn = resample_box(layers, box, (MASK_SIDE, MASK_SIDE)) > 0.5
            masks[key] = np.packbits(drawn, axis=0, bitorder="little")[0]
        rows.append(
            {
                "key": key,
                "source": SOURCE,
                "row": place,
                "index": z,
                "fold": FOLD,
                "pixel_mm": stack.pixel_mm * (box.x1 - box.x0) / SIDE,
                "boxes": "[]",
                **dict(zip(LABEL_COLUMNS, labels[z].tolist(), strict=True)),
            }
        )
    return rows, masks


def _merge(cache: Path, pixels: Path, rows: Rows, masks: Masks) -> None:
    """Put new rows, masks and pixels in the place of earlier ones."""
    index, drawn = cache / "index.csv", cache / "masks.npz"
    # As text, so that the other rows stay as they are.
    table = pd.read_csv(index, dtype=str, keep_default_na=False)
    table = table[table["source"] != SOURCE]
    everything = pd.concat([table, pd.DataFrame(rows).reindex(columns=table.columns)])
    others = _without(drawn, f"{SOURCE}/") if drawn.exists() else {}
    together: dict[str, Any] = others | masks
    with _new(drawn).open("wb") as stream:
        np.savez_compressed(stream, **together)
    everything.to_csv(_new(index), index=False)
    # The index is last: it says that the rest is there.
    for path in (pixels, _new(drawn), _new(index)):
        path.replace(path.with_suffix(""))


def _without(path: Path, start: str) -> Masks:
    """The arrays of an ``.npz`` but those whose name starts so."""
    with np.load(path) as held:
        return {name: held[name] for name in held.files if not name.startswith(start)}


def _new(path: Path) -> Path:
    """Where a file is written before it takes the place of the old one."""
    return path.with_name(f"{path.name}.partial")


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--scans", type=int, default=280)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(None if arguments is None else list(arguments))
    build(args.data, args.cache, args.scans, args.workers, args.seed)


if __name__ == "__main__":
    main()
