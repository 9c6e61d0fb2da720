"""What networks that never saw a slice say of it: second opinions for the next training.

    python -m training.teach CACHE OUT.npz 0=RUNS/fold0/last.pt 0=RUNS/rfold0/last.pt 1=…

``FOLD=CHECKPOINT``: a network that was trained without that fold speaks for its slices, at
the slice's own resolution and mirrored. Several for one fold are averaged. As no network
speaks for what it learnt from, the answers doubt wrong labels instead of repeating them.

OUT holds ``key`` ``(n,)``, ``logits`` ``(n, 6)``, their mean, and for each architecture its
own under its name.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.special import expit

from training.build import make
from training.validate import predict


def speak(cache: Path, models: list[tuple[int, Path]]) -> dict[str, np.ndarray]:
    """``key`` and logits by architecture of all slices of the models' folds."""
    table = pd.read_csv(cache / "index.csv")
    parts = []
    for fold in sorted({fold for fold, _ in models}):
        rows = table[table.fold == fold].reset_index(drop=True)
        said: dict[str, list[np.ndarray]] = {}
        for path in (path for of, path in models if of == fold):
            state = torch.load(path, weights_only=True, map_location="cpu")
            model = make(state["arch"], state["size"], init=path).eval()
            said.setdefault(state["arch"], []).append(predict(model, cache, rows, flip=True))
        each = {arch: np.mean(logits, 0) for arch, logits in said.items()}
        parts.append({"key": rows.key.to_numpy(str), **each, "logits": _mean(each)})
        print(f"fold {fold}: {len(rows)} slices by {', '.join(each)}", flush=True)
    names = set.intersection(*(set(part) for part in parts))
    return {name: np.concatenate([part[name] for part in parts]) for name in sorted(names)}


def opinions(path: Path) -> dict[str, np.ndarray]:
    """Key of a slice → probabilities ``(6,)``."""
    stored = np.load(path)
    return dict(zip(stored["key"].tolist(), expit(stored["logits"]), strict=True))


def _mean(each: dict[str, np.ndarray]) -> np.ndarray:
    return np.mean(list(each.values()), 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("models", nargs="+", help="FOLD=CHECKPOINT")
    args = parser.parse_args()
    torch.set_num_threads(1)
    pairs = [model.split("=", 1) for model in args.models]
    np.savez(args.out, **speak(args.cache, [(int(fold), Path(path)) for fold, path in pairs]))


if __name__ == "__main__":
    main()
