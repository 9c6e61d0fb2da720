"""The mean of several checkpoints' weights, as a checkpoint to validate and export.

    python -m training.soup OUT.pt A.pt B.pt

Networks of which one went on from another often lie in one basin, and their mean in its middle
(Wortsman et al., "Model soups", ICML 2022). Whether it reads better is to be measured.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch


def mean(checkpoints: list[Path]) -> dict[str, object]:
    """A checkpoint of :mod:`training.train` without an optimiser; of one architecture and size."""
    states = [torch.load(path, weights_only=True, map_location="cpu") for path in checkpoints]
    kinds = {(state["arch"], state["size"]) for state in states}
    if len(kinds) > 1:
        raise SystemExit(f"not of one architecture and size: {sorted(kinds)}")
    weights = {}
    for name, first in states[0]["ema"].items():
        if first.dtype.is_floating_point:
            together = torch.stack([state["ema"][name].double() for state in states])
            weights[name] = together.mean(0).to(first.dtype)
        else:
            weights[name] = first
    ((arch, size),) = kinds
    return {"arch": arch, "size": size, "spent": 0.0, "step": 0, "model": weights, "ema": weights}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("checkpoints", type=Path, nargs="+")
    args = parser.parse_args()
    torch.save(mean(args.checkpoints), args.out)


if __name__ == "__main__":
    main()
