"""Plain slice classifiers, as in the papers: an encoder, an average, one linear layer.

``cam`` is the class-activation map (Zhou 2016): the linear layer applied at each place
before averaging. Its mean is the logit, so that it shows what the answer is made of.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from training.nets import resnet, vit_b16

CLASSES = 6


class Classifier(nn.Module):
    """``(n, 3, s, s)`` → ``logits`` ``(n, 6)``, ``cam`` ``(n, 6, h, w)``, ``features``.

    Attributes:
        size: Side of the input in pixels.
        mask_size: Side of ``cam``.
        fresh: Whether the encoder began at random, and must learn as fast as the head.
    """

    def __init__(self, size: int, encoder: nn.Module, *, width: int, stride: int) -> None:
        super().__init__()
        if size % stride:
            raise SystemExit(f"--size must be a multiple of {stride} for this network, not {size}")
        self.size, self.mask_size, self.fresh = size, size // stride, True
        self.encoder = encoder
        self.drop = nn.Dropout(0.25)
        self.linear = nn.Linear(width, CLASSES)
        nn.init.normal_(self.linear.weight, std=0.01)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        top = self.encoder(x)[-1]
        features = top.mean((2, 3))
        logits = self.linear(self.drop(features)).float()
        cam = F.conv2d(top, self.linear.weight[:, :, None, None], self.linear.bias).float()
        return {"logits": logits, "cam": cam, "features": features}


def resnet50(size: int, start: str | None = None) -> Classifier:
    """ResNet-50 (He 2016).

    Args:
        size: Side of the input in pixels.
        start: ``ct`` for the CT-trained kernels of :mod:`training.nets.resnet`, the path of
            a checkpoint with torchvision's or timm's names, None for random weights.
    """
    encoder = resnet.pretrained() if start == "ct" else resnet.ResNet50()
    if start is None:
        for module in encoder.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif start != "ct":
        fill(encoder, read_state(Path(start)), start)
    model = Classifier(size, encoder, width=2048, stride=32)
    model.fresh = start is None
    return model


def vit(size: int, start: str | None = None) -> Classifier:
    """ViT-B/16 (Dosovitskiy 2021), averaged over its patches.

    Args:
        size: Side of the input in pixels.
        start: The path of a checkpoint with timm's names (also those of MAE, DINO and DeiT)
            of any input size, None for random weights.
    """
    encoder = vit_b16.VitB16(size)
    if start is not None:
        state = vit_b16.from_timm(read_state(Path(start)), size)
        fill(encoder, state, start)
    model = Classifier(size, encoder, width=vit_b16.WIDTH, stride=vit_b16.PATCH)
    model.fresh = start is None
    return model


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """A checkpoint's tensors, bare or under one of the usual names; never its code."""
    if not path.is_file():
        raise SystemExit(f"{path}: no such checkpoint to start from")
    loaded = torch.load(path, weights_only=True, map_location="cpu")
    for name in ("state_dict", "model", "teacher"):
        if isinstance(loaded.get(name), dict):
            loaded = loaded[name]
    prefixes = ("module.", "backbone.")
    return {_without(name, prefixes): value for name, value in loaded.items()}


def fill(encoder: nn.Module, state: dict[str, torch.Tensor], origin: str) -> None:
    """Load an encoder; what the checkpoint has beyond it (its old head) is left out."""
    wanted = encoder.state_dict()
    missing = [
        name
        for name, value in wanted.items()
        if not name.endswith("num_batches_tracked")
        and (name not in state or state[name].shape != value.shape)
    ]
    if missing:
        raise SystemExit(
            f"{origin}: {len(missing)} of {len(wanted)} tensors are missing or of another "
            f"shape, the first is {missing[0]!r}; give a checkpoint of this architecture"
        )
    encoder.load_state_dict({name: state.get(name, value) for name, value in wanted.items()})


def _without(name: str, prefixes: tuple[str, ...]) -> str:
    for prefix in prefixes:
        name = name.removeprefix(prefix)
    return name
