"""The whole network: encoder → local logits → slice logits and masks.

The slice score is pooled from the local logits (a smooth maximum), so that what makes the
score can be pointed at; a small linear branch on the global features is added to it.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from training.nets import dinov2, resnet

CLASSES = 6


class SmoothMaximum(nn.Module):
    """``(n, c, h, w)`` → ``(n, c)``: log-mean-exp with a learned sharpness a class."""

    def __init__(self) -> None:
        super().__init__()
        self.log_sharp = nn.Parameter(torch.zeros(CLASSES))
        self.bias = nn.Parameter(torch.zeros(CLASSES))

    def forward(self, local: torch.Tensor) -> torch.Tensor:
        sharp = self.log_sharp.exp().view(1, -1, 1)
        flat = local.float().flatten(2) * sharp
        size = torch.tensor(float(flat.shape[-1]))
        pooled = (torch.logsumexp(flat, -1) - size.log()) / sharp[..., 0]
        return pooled + self.bias


def _conv(c_in: int, c_out: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.GroupNorm(8, c_out), nn.GELU())


class VitScreen(nn.Module):
    """DINOv2 with a mask decoder; masks have four times the patch grid."""

    def __init__(self, size: int, frozen: int = 0, encoder: nn.Module | None = None) -> None:
        super().__init__()
        self.size = size
        self.encoder = encoder or dinov2.DinoV2(size, frozen)
        self.mask_size = 4 * (size // dinov2.PATCH)
        self.local = nn.Conv2d(dinov2.WIDTH, CLASSES, 1)
        self.reduce = nn.Conv2d(dinov2.WIDTH, 96, 1)
        self.stem = nn.Sequential(_conv(3, 24, 5, 2), _conv(24, 32))
        self.refine = nn.Sequential(_conv(96 + 32, 64), _conv(64, 48), nn.Conv2d(48, CLASSES, 1))
        self.pool = SmoothMaximum()
        self.drop = nn.Dropout(0.25)
        self.linear = nn.Linear(2 * dinov2.WIDTH, CLASSES)
        for last in (self.local, self.linear, self.refine[-1]):
            nn.init.normal_(last.weight, std=0.01)
            nn.init.zeros_(last.bias)
        nn.init.constant_(self.local.bias, -3.0)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        cls, patches = self.encoder(x)
        local = self.local(patches)
        m = self.mask_size
        up = F.interpolate(self.reduce(patches), (m, m), mode="bilinear", align_corners=False)
        fine = F.interpolate(x, (2 * m, 2 * m), mode="bilinear", align_corners=False)
        mask = self.refine(torch.cat([up, self.stem(fine)], 1))
        mask = mask + F.interpolate(local, (m, m), mode="bilinear", align_corners=False)
        features = torch.cat([cls, patches.mean((2, 3))], 1)
        pooled = self.pool(local)
        logits = pooled + self.linear(self.drop(features)).float()
        return {"logits": logits, "pooled": pooled, "mask": mask.float(), "features": features}


class ResNetScreen(nn.Module):
    """ResNet-50 with a feature pyramid; local logits at stride 8, masks at stride 4."""

    def __init__(self, size: int, encoder: nn.Module | None = None) -> None:
        super().__init__()
        self.size = size
        self.encoder = encoder or resnet.ResNet50()
        self.mask_size = size // 4
        width = 128
        self.lateral = nn.ModuleList(nn.Conv2d(256 * 2**k, width, 1) for k in range(4))
        self.smooth = _conv(width, width)
        self.local = nn.Conv2d(width, CLASSES, 1)
        self.refine = nn.Sequential(_conv(width, 64), nn.Conv2d(64, CLASSES, 1))
        self.pool = SmoothMaximum()
        self.drop = nn.Dropout(0.25)
        self.linear = nn.Linear(2048 + width, CLASSES)
        for last in (self.local, self.linear, self.refine[-1]):
            nn.init.normal_(last.weight, std=0.01)
            nn.init.zeros_(last.bias)
        nn.init.constant_(self.local.bias, -3.0)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        maps = self.encoder(x)
        top = self.lateral[3](maps[3])
        for k in (2, 1):
            top = F.interpolate(top, scale_factor=2.0, mode="nearest") + self.lateral[k](maps[k])
        top = self.smooth(top)
        local = self.local(top)
        fine = F.interpolate(top, scale_factor=2.0, mode="nearest") + self.lateral[0](maps[0])
        mask = self.refine(fine)
        mask = mask + F.interpolate(local, scale_factor=2.0, mode="bilinear", align_corners=False)
        features = torch.cat([maps[3].mean((2, 3)), top.mean((2, 3))], 1)
        pooled = self.pool(local)
        logits = pooled + self.linear(self.drop(features)).float()
        return {"logits": logits, "pooled": pooled, "mask": mask.float(), "features": features}
