"""Make a network by name, and say how fast each of its layers may learn."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from training.nets import classifier, dinov2, resnet
from training.nets.screen import ResNetScreen, VitScreen

MEAN, STD = 0.45, 0.225
"""One grey scale for all three channels: ImageNet's mean over colours."""

ARCHITECTURES = ("resnet", "vit", "resnet50", "vit_b16")
"""Our two networks with masks, and the papers' two plain classifiers."""

RATES = {"vit": (6e-5, 8e-4), "resnet": (3e-4, 1e-3), "fresh vit": (5e-4, 5e-4)}
LAYER_DECAY = 0.85


def make(
    arch: str, size: int, frozen: int = 0, init: Path | None = None, start: str | None = None
) -> nn.Module:
    """A network from its starting point, or from another run's averaged weights.

    Args:
        arch: One of ``ARCHITECTURES``.
        size: Side of the input in pixels.
        frozen: Lower blocks of ``vit`` that keep their weights.
        init: A checkpoint of :mod:`training.train`; ``start`` is not used then.
        start: For the plain classifiers: ``ct`` (resnet50), a file, or None for random; for our
            own networks ``random`` in place of their pretrained weights.
    """
    if init is not None:
        return _restored(arch, size, frozen, init)
    if start == "random":
        model = blank(arch, size, frozen)
        model.fresh = True
        return model
    if arch == "vit":
        return VitScreen(size, frozen, dinov2.pretrained(size, frozen))
    if arch == "resnet":
        return ResNetScreen(size, resnet.pretrained())
    return classifier.resnet50(size, start) if arch == "resnet50" else classifier.vit(size, start)


def _restored(arch: str, size: int, frozen: int, init: Path) -> nn.Module:
    state = torch.load(init, weights_only=True, map_location="cpu")["ema"]
    if arch in ("vit", "vit_b16"):
        grid = size // (dinov2.PATCH if arch == "vit" else classifier.vit_b16.PATCH)
        state["encoder.pos"] = dinov2.resize_positions(state["encoder.pos"], grid)
    model = blank(arch, size, frozen)
    model.load_state_dict(state)
    model.fresh = False
    return model


def blank(arch: str, size: int, frozen: int = 0) -> nn.Module:
    """A network whose weights are still to be loaded."""
    return {
        "vit": lambda: VitScreen(size, frozen),
        "resnet": lambda: ResNetScreen(size),
        "resnet50": lambda: classifier.resnet50(size),
        "vit_b16": lambda: classifier.vit(size),
    }[arch]()


def layer_rates(model: nn.Module, rate: float | None) -> list[dict[str, object]]:
    """Parameter groups: the encoder slowly (lower ViT blocks slower), the rest fast.

    An encoder that starts at random learns alike in all its layers.
    """
    fresh = getattr(model, "fresh", False)
    arch = "vit" if hasattr(model.encoder, "blocks") else "resnet"
    slow, fast = RATES["fresh vit" if fresh and arch == "vit" else arch]
    slow = rate or (fast if fresh else slow)
    groups = []
    for name, parameter in model.named_parameters():
        if not name.startswith("encoder."):
            lr = fast
        elif arch == "resnet" or fresh:
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
