"""Cached slices by their row of the index, from either kind of cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from ich_cli.models.resample import Box, resample_box
from training.data.crop import SIDE


class SourcePictures:
    """From the cache of :mod:`training.cache`: one array a source."""

    def __init__(self, cache: Path, sources: list[str]) -> None:
        self.arrays = {s: np.load(cache / f"{s}.npy", mmap_mode="r") for s in sources}

    def __call__(self, row: pd.Series) -> np.ndarray:
        return self.arrays[row.source][row.row]


class ShardPictures:
    """From the cache of :mod:`training.shards`: whole slices, cropped when they are drawn."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self.opened: dict[int, np.ndarray] = {}

    def __call__(self, row: pd.Series) -> np.ndarray:
        shard = int(row.shard)
        if shard not in self.opened:
            self.opened[shard] = open_shard(self.cache, shard)
        planes = self.opened[shard][[int(row.before), int(row.row), int(row.after)]]
        crop = resample_box(
            planes.astype(np.float32), Box(row.y0, row.y1, row.x0, row.x1), (SIDE, SIDE)
        )
        return np.round(crop).clip(0, 255).astype(np.uint8)


def open_shard(cache: Path, number: int) -> np.ndarray:
    """``(n, 512, 512)`` uint8 of a shard, left on disk until it is read."""
    return np.load(shard_file(cache, number), mmap_mode="r")


def shard_file(cache: Path, number: int) -> Path:
    """Where the pixels of a shard lie."""
    return cache / f"shard_{number:05d}.npy"


def open_pictures(cache: Path, table: pd.DataFrame) -> Callable[[pd.Series], np.ndarray]:
    """A function from a row of ``index.csv`` to ``(channels, 448, 448)`` uint8."""
    if "shard" in table:
        return ShardPictures(cache)
    return SourcePictures(cache, list(table.source.unique()))
