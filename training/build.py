"""Make a network by name, and say how fast each of its layers may learn."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from training.nets import dinov2, resnet
from training.nets.screen import ResNetScreen, VitScreen

MEAN, STD = 0.45, 0.225
"""One grey scale for all three channels: ImageNet's mean over colours."""

RATES = {"vit": (6e-5, 8e-4), "resnet": (3e-4, 1e-3)}
LAYER_DECAY = 0.85


def make(arch: str, size: int, frozen: int = 0, init: Path | None = None) -> nn.Module:
    """A network from its public starting point, or from another run's averaged weights."""
    if init is None:
        if arch == "vit":
            return VitScreen(size, frozen, dinov2.pretrained(size, frozen))
        return ResNetScreen(size, resnet.pretrained())
    state = torch.load(init, weights_only=True, map_location="cpu")["ema"]
    model = VitScreen(size, frozen) if arch == "vit" else ResNetScreen(size)
    if arch == "vit":
        grid = size // dinov2.PATCH
        state["encoder.pos"] = dinov2.resize_positions(state["encoder.pos"], grid)
    model.load_state_dict(state)
    return model


def layer_rates(model: nn.Module, rate: float | None) -> list[dict[str, object]]:
    """Parameter groups: the encoder slowly (lower ViT blocks slower), the rest fast."""
    arch = "vit" if isinstance(model, VitScreen) else "resnet"
    slow, fast = RATES[arch]
    slow = rate or slow
    groups = []
    for name, parameter in model.named_parameters():
        if not name.startswith("encoder."):
            lr = fast
        elif arch == "resnet":
            lr = slow
        else:
            depth = int(name.split(".")[2]) + 1 if ".blocks." in name else 0
            depth = dinov2.DEPTH + 1 if name.startswith("encoder.norm") else depth
            lr = slow * LAYER_DECAY ** max(0, dinov2.DEPTH - depth)
        group: dict[str, object] = {"params": [parameter], "lr": lr}
        if parameter.ndim < 2:
            group["weight_decay"] = 0.0
        groups.append(group)
    return groups
