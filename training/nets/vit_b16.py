"""ViT-B/16 in plain PyTorch: the plain transformer, without DINOv2's layer scale."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from training.nets.dinov2 import resize_positions

WIDTH, DEPTH, HEADS, PATCH = 768, 12, 12, 16


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH, eps=1e-6)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.proj = nn.Linear(WIDTH, WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH, eps=1e-6)
        self.fc1 = nn.Linear(WIDTH, 4 * WIDTH)
        self.fc2 = nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, t, _ = x.shape
        qkv = self.qkv(self.norm1(x)).view(n, t, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])
        x = x + self.proj(attended.transpose(1, 2).reshape(n, t, WIDTH))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class VitB16(nn.Module):
    """``(n, 3, s, s)`` → a list of one patch map ``(n, 768, s/16, s/16)``."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.grid = size // PATCH
        self.patch = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.cls = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.pos = nn.Parameter(torch.zeros(1, 1 + self.grid**2, WIDTH))
        self.blocks = nn.ModuleList(Block() for _ in range(DEPTH))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-6)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
        for tokens in (self.cls, self.pos):
            nn.init.trunc_normal_(tokens, std=0.02)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], 1) + self.pos
        for block in self.blocks:
            x = block(x)
        patches = self.norm(x)[:, 1:].transpose(1, 2)
        return [patches.reshape(x.shape[0], WIDTH, self.grid, self.grid)]


def from_timm(state: dict[str, torch.Tensor], size: int) -> dict[str, torch.Tensor]:
    """Names of timm to ours; positions interpolated to the grid of ``size``."""
    shorter = (
        ("patch_embed.proj.", "patch."),
        ("cls_token", "cls"),
        ("pos_embed", "pos"),
        (".attn.", "."),
        (".mlp.", "."),
        ("fc_norm.", "norm."),
    )
    ours = {}
    for name, value in state.items():
        for theirs, mine in shorter:
            name = name.replace(theirs, mine)
        ours[name] = value
    if "pos" in ours:
        ours["pos"] = resize_positions(ours["pos"], size // PATCH)
    return ours
