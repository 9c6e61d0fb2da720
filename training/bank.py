"""Prepared samples on disk: made once by many processes, drawn by every training after.

    python -m training.bank CACHE BANK --count 40000 --workers 16

A GPU trains on more samples a second than processors can prepare. Each prepared sample is
drawn many times, and moved and given another look each time (:mod:`training.samples.augment`). BANK
holds one array a part of the sample; about 0.75 MB a sample.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.lib.format import open_memmap

from training.samples.augment import Batch
from training.samples.dataset import NO_MIMIC, POOLS, SOURCES, Samples
from training.samples.mimic import KINDS

PIECE = 250
"""Samples that one process makes in one go."""

CHOSEN_BY = ("fold", "source", "pool", "mimic")
"""Parts of a sample that tell a training whether it may draw it."""


Recipe = tuple[Path, Sequence[int], Sequence[Path], Path | None]
"""What :class:`training.samples.dataset.Samples` is made of."""


def build(recipe: Recipe, bank: Path, count: int, workers: int, seed: int = 0) -> None:
    """Fill ``bank`` with ``count`` samples; the same ones whatever the number of workers."""
    partial = bank.with_name(bank.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name, value in Samples(*recipe).draw(np.random.default_rng(seed)).items():
        whole = (count, *np.shape(value))
        open_memmap(partial / f"{name}.npy", "w+", np.asarray(value).dtype, whole)
    pieces = [(partial, start, min(PIECE, count - start), seed) for start in range(0, count, PIECE)]
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, initializer=_open, initargs=(recipe,)) as pool:
        pool.starmap(_fill, pieces, chunksize=1)
    shutil.rmtree(bank, ignore_errors=True)
    partial.rename(bank)


def _open(recipe: Recipe) -> None:
    cv2.setNumThreads(1)
    _opened.append(Samples(*recipe))


def _fill(bank: Path, start: int, count: int, seed: int) -> None:
    rng = np.random.default_rng([seed, start])
    parts = {path.stem: open_memmap(path, "r+") for path in bank.glob("*.npy")}
    for place in range(start, start + count):
        for name, value in _opened[-1].draw(rng).items():
            parts[name][place] = value


_opened: list[Samples] = []
"""What a process of the pool draws from."""


class Bank:
    """All prepared samples: on a GPU in its memory, else read from disk as they are drawn."""

    def __init__(self, path: Path, device: torch.device) -> None:
        files = sorted(path.glob("*.npy"))
        if not files:
            raise SystemExit(f"{path} holds no samples: make them with training.bank")
        stored = {file.stem: torch.from_numpy(np.load(file, mmap_mode="c")) for file in files}
        if lacking := set(CHOSEN_BY) - stored.keys():
            raise SystemExit(
                f"{path} was made by an earlier training.bank, which did not keep "
                f"{', '.join(sorted(lacking))} of each sample: delete it and make it again"
            )
        self.parts: Batch = {name: part.to(device) for name, part in stored.items()}

    def allowed(self, holdout: Sequence[int], without: Sequence[str] = ()) -> torch.Tensor:
        """Places of the samples that a training may draw, by fold and by what they hold.

        ``without`` names sources, pools, kinds of mimics, or ``mimics`` of any kind.
        """
        if unknown := set(without) - {*POOLS, *SOURCES, *KINDS, "mimics"}:
            known = ", ".join((*dict.fromkeys((*POOLS, *SOURCES)), *KINDS, "mimics"))
            raise SystemExit(f"nothing is called {', '.join(sorted(unknown))}; there are {known}")
        fold, source, pool, mimic = (self.parts[name] for name in CHOSEN_BY)
        kept = torch.ones_like(fold, dtype=torch.bool)
        for number in holdout:
            kept &= fold != number
        for name in without:
            if name in POOLS:
                kept &= pool != POOLS.index(name)
            elif name in SOURCES:
                kept &= source != SOURCES.index(name)
            else:
                kept &= mimic == NO_MIMIC if name == "mimics" else mimic != list(KINDS).index(name)
        return kept.nonzero().flatten()

    def draw(self, allowed: torch.Tensor, count: int, generator: torch.Generator) -> Batch:
        """``count`` of the allowed samples, with replacement."""
        chosen = torch.randint(len(allowed), (count,), device=allowed.device, generator=generator)
        places = allowed[chosen]
        return {name: part[places] for name, part in self.parts.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("bank", type=Path)
    parser.add_argument("--count", type=int, default=40_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--holdout", type=int, nargs="*", default=[], help="folds left out")
    parser.add_argument("--teacher", type=Path, nargs="*", default=[], help="of training.teach")
    parser.add_argument("--outlines", type=Path, default=None, help="of training.outline")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    recipe = (args.cache, args.holdout, args.teacher, args.outlines)
    build(recipe, args.bank, args.count, args.workers, args.seed)


if __name__ == "__main__":
    main()
