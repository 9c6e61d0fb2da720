"""BLAST-CT v1 (Monteiro 2020, Lancet Digital Health 2:e314), built anew for its checkpoint.

A DeepMedic (Kamnitsas 2017, Med Image Anal 36:61): three pathways of eight 3³ convolutions
read the same place at every voxel, every third and every fifth; their features meet in
1³ convolutions. The shapes and names in the checkpoint give the layers; norm, then PReLU,
then convolution, and a residual wherever the width stays. The shared data holds one of the
twelve networks that make up the published ensemble.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

CLASSES = ("background", "iph", "extra_axial", "oedema", "ivh")
SCALES = (5, 3, 1)
WIDTHS = (30, 30, 40, 40, 40, 40, 50, 50)
COMMON = (250, 250)
PARAMETERS = 1_030_033
MARGIN = 40
"""Millimetres of context that the coarsest pathway loses on each side."""
PHASE = 15
"""Outputs are multiples of this, so that all three sampling grids begin at one voxel."""
LOW_HU, HIGH_HU = -15.0, 100.0


class Block(nn.Module):
    """Norm, PReLU, convolution without padding; plus the input where the width allows."""

    def __init__(self, n_in: int, n_out: int, kernel: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm3d(n_in)
        self.prelu = nn.PReLU()
        self.conv = nn.Conv3d(n_in, n_out, kernel, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(n, c, z, y, x)``; a 3³ kernel takes one voxel off each side."""
        out = self.conv(self.prelu(self.bn(x)))
        if x.shape[1] == out.shape[1]:
            cut = (x.shape[-1] - out.shape[-1]) // 2
            out += x[:, :, cut : x.shape[2] - cut, cut : x.shape[3] - cut, cut : x.shape[4] - cut]
        return out


class DeepMedic(nn.Module):
    """``(n, 1, N + 80, …)`` normalised HU at 1 mm → ``(n, 5, N, …)`` logits of ``CLASSES``."""

    def __init__(self) -> None:
        super().__init__()
        steps = list(pairwise((1, *WIDTHS)))
        self.paths = nn.ModuleList(nn.ModuleList(Block(a, b, 3) for a, b in steps) for _ in SCALES)
        widths = (len(SCALES) * WIDTHS[-1], *COMMON, len(CLASSES))
        self.common = nn.ModuleList(Block(a, b, 1) for a, b in pairwise(widths))

    @property
    def dtype(self) -> torch.dtype:
        """In which the convolutions compute."""
        return self.common[0].conv.weight.dtype

    def forward(self, x: Tensor) -> Tensor:
        """Read one tile; output sides are multiples of ``PHASE``."""
        size = [n - 2 * MARGIN for n in x.shape[2:]]
        if any(n < PHASE or n % PHASE for n in size):
            raise ValueError(f"a tile's sides less {2 * MARGIN} must be multiples of {PHASE}")
        features = [
            self._path(path, x, scale) for path, scale in zip(self.paths, SCALES, strict=True)
        ]
        out = []
        # The common layers look at one voxel at a time; slabs keep their 250 channels small.
        for z in range(0, size[0], PHASE):
            slab = [
                _enlarge(f[:, :, z // s : (z + PHASE) // s], s)
                for f, s in zip(features, SCALES, strict=True)
            ]
            joined = torch.cat(slab, dim=1)
            for block in self.common:
                joined = block(joined)
            out.append(joined)
        return torch.cat(out, dim=2)

    @staticmethod
    def _path(path: nn.ModuleList, x: Tensor, scale: int) -> Tensor:
        """Features of one pathway at every ``scale``-th voxel of the output."""
        cut = MARGIN - len(WIDTHS) * scale
        z, y, w = (slice(cut + scale // 2, n - cut, scale) for n in x.shape[2:])
        out = x[:, :, z, y, w].contiguous(memory_format=torch.channels_last_3d)
        for block in path:
            out = block(out)
        return out


def _enlarge(x: Tensor, scale: int) -> Tensor:
    return x if scale == 1 else nn.functional.interpolate(x, scale_factor=scale, mode="nearest")


def load(path: Path) -> DeepMedic:
    """The network with a published checkpoint, in evaluation mode.

    Raises:
        RuntimeError: The checkpoint's names or shapes are not those of BLAST-CT v1.
    """
    stored = torch.load(path, map_location="cpu", weights_only=True)
    network = DeepMedic()
    network.load_state_dict({_own_name(name): value for name, value in stored.items()})
    return network.eval().to(memory_format=torch.channels_last_3d)


def halve(network: DeepMedic) -> DeepMedic:
    """Convolutions and PReLU in bfloat16, twice as fast; norms keep their precision."""
    for module in network.modules():
        if isinstance(module, nn.Conv3d | nn.PReLU):
            module.to(torch.bfloat16)
    return network


def _own_name(name: str) -> str:
    """``path(5, 5, 5)0.path.1.bn.weight`` → ``paths.0.0.bn.weight``."""
    found = re.fullmatch(r"path\([\d, ]+\)(\d)\.path\.(\d)\.(.+)", name)
    if found:
        return f"paths.{found[1]}.{int(found[2]) - 1}.{found[3]}"
    return name.replace("fully_connected.", "common.")


def normalise(hu: Tensor) -> Tensor:
    """HU clipped to ``LOW_HU``…``HIGH_HU``, to −1…1."""
    return (2 * hu.clamp(LOW_HU, HIGH_HU) - LOW_HU - HIGH_HU) / (HIGH_HU - LOW_HU)
