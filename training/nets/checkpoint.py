"""A training kept on disk, so that it goes on where it was stopped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn


@dataclass(frozen=True)
class Run:
    """What a training changes, and what tells it from another: network, size and start.

    ``averaged`` are the weights that are used in the end, ``start`` what those of ``model``
    were before the first step (see :func:`training.nets.build.make`).
    """

    arch: str
    size: int
    start: str | None
    model: nn.Module
    averaged: nn.Module
    optimiser: torch.optim.Optimizer

    def save(self, path: Path, spent: float, step: int) -> None:
        """Keep the run after ``spent`` seconds and ``step`` steps, in the old one's place."""
        partial = path.with_suffix(".tmp")
        state = {
            "arch": self.arch,
            "size": self.size,
            "start": self.start,
            "model": self.model.state_dict(),
            "ema": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "spent": spent,
            "step": step,
        }
        torch.save(state, partial)
        partial.replace(path)

    def resume(self, path: Path) -> tuple[float, int]:
        """Go on from a file of :meth:`save`: seconds spent and steps done.

        Raises:
            SystemExit: It is of another training, or no training can go on from it.
        """
        device = next(self.model.parameters()).device
        state = torch.load(path, weights_only=True, map_location=device)
        if (state["arch"], state["size"]) != (self.arch, self.size):
            raise SystemExit(
                f"{path} is a {state['arch']} of {state['size']} pixels; "
                "give another --run, or that network and size to go on with it"
            )
        if "optimiser" not in state:
            raise SystemExit(
                f"{path} holds weights without their optimiser, from which no training can go on; "
                "give another --run, and this file as --init to start from its weights"
            )
        if state.get("start", self.start) != self.start:
            raise SystemExit(
                f"{path} was begun with --start {state['start']}, not {self.start}; "
                "give another --run, or that start to go on with it"
            )
        self.model.load_state_dict(state["model"])
        self.averaged.load_state_dict(state["ema"])
        self.optimiser.load_state_dict(state["optimiser"])
        return state["spent"], state["step"]
