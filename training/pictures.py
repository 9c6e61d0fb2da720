"""Cached slices by their row of the index, from either kind of cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from training.shards import ShardPictures


class SourcePictures:
    """From the cache of :mod:`training.cache`: one array a source."""

    def __init__(self, cache: Path, sources: list[str]) -> None:
        self.arrays = {s: np.load(cache / f"{s}.npy", mmap_mode="r") for s in sources}

    def __call__(self, row: pd.Series) -> np.ndarray:
        return self.arrays[row.source][row.row]


def open_pictures(cache: Path, table: pd.DataFrame) -> Callable[[pd.Series], np.ndarray]:
    """A function from a row of ``index.csv`` to ``(channels, 448, 448)`` uint8."""
    if "shard" in table:
        return ShardPictures(cache)
    return SourcePictures(cache, list(table.source.unique()))
