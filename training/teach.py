"""What networks that never saw a slice say of it: second opinions for the next training.

    python -m training.teach CACHE OUT.npz 0=RUNS/v0/last.pt 0=RUNS/r0/last.pt 1=…

``FOLD=CHECKPOINT``: a network that was trained without that fold speaks for its slices. As
no network speaks for what it learnt from, the answers doubt wrong labels instead of
repeating them. :mod:`training.series` does so after each training.

OUT holds ``key`` ``(n,)`` and under the name of each architecture its logits ``(n, 6)``, not
a number where nobody spoke. What it holds already stays: a later call adds to it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from training.nets.build import make
from training.validate import predict

BOXES = ("rsna_boxes",)
"""Slices of a look of their own, all with blood: nobody is asked about them."""


def speak(
    cache: Path, out: Path, fold: int, model: nn.Module, name: str, without: Sequence[str] = BOXES
) -> np.ndarray:
    """Let one network speak for one fold, under ``name``; returns all its logits ``(n, 6)``."""
    table = pd.read_csv(cache / "index.csv")
    keys = table.key.to_numpy(str)
    stored = dict(np.load(out)) if out.exists() else {"key": keys}
    if not np.array_equal(stored["key"], keys):
        raise SystemExit(f"{out} is of other slices than {cache} holds; give another file")
    here = ((table.fold == fold) & ~table.source.isin(without)).to_numpy()
    logits = stored.setdefault(name, np.full((len(table), 6), np.nan, np.float32))
    logits[here] = predict(model, cache, table[here].reset_index(drop=True), flip=False)
    np.savez(out, **stored)
    return logits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("models", nargs="+", help="FOLD=CHECKPOINT")
    parser.add_argument("--without", nargs="*", default=BOXES, help="sources that are left out")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for model in args.models:
        fold, checkpoint = model.split("=", 1)
        state = torch.load(checkpoint, weights_only=True, map_location="cpu")
        network = make(state["arch"], state["size"], init=Path(checkpoint)).eval()
        speak(args.cache, args.out, int(fold), network, state["arch"], args.without)
        print(f"{state['arch']} spoke for fold {fold}", flush=True)


if __name__ == "__main__":
    main()
