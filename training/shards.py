"""The RSNA 2019 layout on disk, ready to be augmented, whatever its size.

    python -m training.shards DATA CACHE [--workers 8]

Each slice is stored once, whole, as uint8 (0…80 HU → 0…255) in a shard ``(n, 512, 512)``;
``index.csv`` holds labels, folds, neighbours and the square around the head, which is cut
out when the slice is drawn. The 750,000 slices of the challenge take about 200 GB. A shard
that is complete is not made again, so a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom

from ich_cli.models.headbox import head_box
from ich_cli.models.preprocess import whole_image_box
from ich_cli.models.resample import resample_box
from training.data.crop import SIDE, context_box
from training.data.pictures import shard_file
from training.data.rsna2019 import (
    AVERAGE_TO_MM,
    LABEL_FILE,
    SOURCE,
    Header,
    find_files,
    group,
    read_header,
    read_labels,
    read_stack,
)
from training.data.sources import LABEL_COLUMNS
from training.splits import fold_of

STORED = 512
PER_SHARD = 2048
TOLD_EVERY = 20_000
"""Headers read between two lines of progress."""

Group = tuple[Header, ...]


@dataclass(frozen=True)
class Job:
    """One shard: its number and its stacks with their labels."""

    number: int
    stacks: tuple[Group, ...]
    labels: Mapping[str, np.ndarray]

    @property
    def slices(self) -> int:
        return sum(map(len, self.stacks))


def build(data: Path, cache: Path, workers: int, per_shard: int = PER_SHARD) -> None:
    """Cache every labelled slice below ``data``, and print which could not be read."""
    cache.mkdir(parents=True, exist_ok=True)
    labels = read_labels(data / LABEL_FILE)
    with ProcessPoolExecutor(workers, initializer=_quiet) as pool:
        files = sorted(find_files(data, labels))
        headers = _read_headers(pool, files)
        if not headers:
            raise SystemExit(f"{data}: no DICOM file of an image that {LABEL_FILE} names")
        plan = cut(group(headers), per_shard)
        _same_plan(cache, plan)
        jobs = [
            Job(number, stacks, {h.name: labels[h.name] for one in stacks for h in one})
            for number, stacks in enumerate(plan)
            if not _index_of(cache, number).exists()
        ]
        require_room(cache, sum(job.slices for job in jobs) * STORED**2)
        written = pool.map(partial(write_shard, cache), jobs)
        for done, (job, lost) in enumerate(zip(jobs, written, strict=True), start=1):
            for name in lost:
                _say({"no pixels": f"{name}.dcm"})
            _say({"shard": job.number, "done": done, "of": len(jobs)})
    parts = [pd.read_csv(_index_of(cache, k), dtype={"patient": str}) for k in range(len(plan))]
    index = cache / "index.csv"
    pd.concat(parts).to_csv(f"{index}.partial", index=False)
    Path(f"{index}.partial").replace(index)
    kept = sum(map(len, parts))
    _say({"labelled": len(labels), "files": len(files), "slices": kept})


def _read_headers(pool: ProcessPoolExecutor, files: Sequence[Path]) -> list[Header]:
    """Headers of the files that have one; the others are named."""
    headers = []
    found = pool.map(read_header, files, chunksize=256)
    for done, (file, header) in enumerate(zip(files, found, strict=True), start=1):
        if header is not None:
            headers.append(header)
        else:
            _say({"no header": file.name})
        if done % TOLD_EVERY == 0:
            _say({"headers": done, "of": len(files)})
    return headers


def require_room(folder: Path, needed: int) -> None:
    """Refuse to begin what the disk cannot hold: a full disk would kill the workers mid-way."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise SystemExit(
            f"{folder}: {free / 1e9:,.0f} GB are free and {needed / 1e9:,.0f} GB are needed; "
            "give a cache on a larger disk (RUNS=… of `make train-rsna`)"
        )


def cut(stacks: Sequence[Group], per_shard: int) -> list[tuple[Group, ...]]:
    """Whole stacks, in order, into shards of about ``per_shard`` slices."""
    shards: list[list[Group]] = []
    room = 0
    for stack in stacks:
        if room <= 0:
            shards.append([])
            room = per_shard
        shards[-1].append(stack)
        room -= len(stack)
    return [tuple(shard) for shard in shards]


def write_shard(cache: Path, job: Job) -> list[str]:
    """Write pixels, then the shard's part of the index, which says that it is complete.

    Returns the names of the slices that were left out, as their pixels could not be read.
    """
    rows: list[dict[str, object]] = []
    lost: list[str] = []
    size = job.slices
    partial_file = cache / f"shard_{job.number:05d}.partial"
    store = np.lib.format.open_memmap(partial_file, "w+", np.uint8, (size, STORED, STORED))
    for headers in job.stacks:
        stack, spacing, unread = read_stack(headers, job.labels)
        lost += unread
        # As far away as the card has the neighbours taken when a scan is read.
        reach = max(1, round(AVERAGE_TO_MM / spacing))
        first, last = len(rows), len(rows) + len(stack.slices) - 1
        for index, item in enumerate(stack.slices):
            here = first + index
            whole = whole_image_box(item.hu.shape, (stack.pixel_mm, stack.pixel_mm))
            frame = resample_box(item.hu, whole, (STORED, STORED))
            frame_mm = stack.pixel_mm * (whole.x1 - whole.x0) / STORED
            box = context_box(head_box(frame, (frame_mm, frame_mm)))
            store[here] = np.round(frame * (255.0 / 80.0)).clip(0, 255)
            rows.append(
                {
                    "key": f"{SOURCE}/{item.name}",
                    "source": SOURCE,
                    "shard": job.number,
                    "row": here,
                    "before": max(here - reach, first),
                    "after": min(here + reach, last),
                    **{edge: round(getattr(box, edge), 2) for edge in ("y0", "y1", "x0", "x1")},
                    "patient": stack.patient,
                    "stack": f"{job.number}-{first}",
                    "index": index,
                    "frame_mm": frame_mm,
                    "spacing_mm": spacing,
                    "fold": fold_of(stack.patient),
                    "pixel_mm": frame_mm * (box.x1 - box.x0) / SIDE,
                    "boxes": "[]",
                    **dict(zip(LABEL_COLUMNS, item.labels.tolist(), strict=True)),
                }
            )
    store.flush()
    del store
    partial_file.rename(shard_file(cache, job.number))
    index = _index_of(cache, job.number)
    pd.DataFrame(rows, columns=None if rows else ["key"]).to_csv(f"{index}.partial", index=False)
    Path(f"{index}.partial").rename(index)
    return lost


def _index_of(cache: Path, number: int) -> Path:
    return cache / f"shard_{number:05d}.csv"


def _same_plan(cache: Path, plan: Iterable[tuple[Group, ...]]) -> None:
    """Refuse to go on with shards that were cut from other files."""
    names = hashlib.sha256()
    for shard in plan:
        names.update("\n".join(h.name for stack in shard for h in stack).encode() + b"\n\n")
    path = cache / "plan.json"
    wanted = json.dumps({"slices": names.hexdigest()})
    if path.exists() and path.read_text() != wanted:
        raise SystemExit(f"{cache}: made from other files; use an empty folder")
    path.write_text(wanted)


def _say(line: Mapping[str, object]) -> None:
    print(json.dumps(line), flush=True)


def _quiet() -> None:
    """The challenge's anonymised identifiers break rules of DICOM that matter to nobody here."""
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    build(args.data, args.cache, args.workers)


if __name__ == "__main__":
    main()
