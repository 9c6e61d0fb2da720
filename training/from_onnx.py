"""Take a shipped ONNX network back into PyTorch, so that training can go on from it.

    python -m training.from_onnx weights/vit.onnx RUN/start.pt --arch vit --cache CACHE

The export folds each batch norm into its convolution. To train it again the fold is undone
so far as it can be: the norm gets the mean and spread that its convolution really has on
cached slices, and the scale and shift that cancel them. The answers stay the same.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import torch
from torch import nn

from training.data.pictures import open_pictures
from training.nets.build import ARCHITECTURES, MEAN, STD, blank
from training.nets.compact import constants
from training.validate import central

SEEN = 96
"""Slices from which the norms' statistics are taken."""


def restore(path: Path, arch: str) -> nn.Module:
    """The network of an exported file; each batch norm only adds what was folded into it."""
    graph = onnx.load(str(path)).graph
    arrays = constants(graph)
    size = graph.input[0].type.tensor_type.shape.dim[2].dim_value
    model = blank(arch, size)
    state = model.state_dict()
    for name, value in arrays.items():
        if name.removeprefix("model.") in state:
            _put(state, name.removeprefix("model."), value)
    for node in graph.node:
        own = [arrays[i] for i in node.input if i in arrays and i.startswith("onnx::")]
        if not own:
            continue
        module = _module(node.name)
        if node.op_type == "Add":  # the shift of a group norm, whose scale is a Mul
            _put(state, f"{module}.bias", own[0])
            continue
        weight = own[0].T if node.op_type == "MatMul" else own[0]
        _put(state, f"{module}.weight", weight)
        if len(own) > 1:
            _put(state, f"{_norm_after(module)}.bias", own[1])
    model.load_state_dict(state)
    return model.eval()


@torch.no_grad()
def unfold_norms(model: nn.Module, images: torch.Tensor) -> None:
    """Give each batch norm its statistics on ``images`` ``(n, 3, s, s)``, answers unchanged."""
    norms = {m: n for n, m in model.named_modules() if isinstance(m, nn.BatchNorm2d)}
    sums = {m: torch.zeros(3, m.num_features, dtype=torch.float64) for m in norms}

    def note(norm: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        x = inputs[0].double()
        count = torch.full((norm.num_features,), x.numel() / norm.num_features)
        sums[norm] += torch.stack([count, x.sum((0, 2, 3)), x.square().sum((0, 2, 3))])

    hooks = [norm.register_forward_pre_hook(note) for norm in norms]
    for part in images.split(8):
        model(part)
    for hook in hooks:
        hook.remove()
    for norm, (count, first, second) in sums.items():
        mean = first / count
        spread = (second / count - mean**2).clamp(min=1e-10)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(spread)
        norm.weight.copy_((spread + norm.eps).sqrt())
        norm.bias.add_(mean.float())


def _put(state: dict[str, torch.Tensor], name: str, value: np.ndarray) -> None:
    state[name] = torch.from_numpy(value.copy()).reshape(state[name].shape)


def _module(node: str) -> str:
    """``/model/encoder/layer1/layer1.0/conv1/Conv`` → ``encoder.layer1.0.conv1``."""
    parts = node.split("/")[2:-1]
    kept = [a for a, b in zip(parts, [*parts[1:], ""], strict=True) if not b.startswith(f"{a}.")]
    return ".".join(kept)


def _norm_after(conv: str) -> str:
    return conv[:-1] + "1" if conv.endswith("downsample.0") else conv.replace("conv", "bn")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--arch", choices=ARCHITECTURES, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = restore(args.weights, args.arch)
    table = pd.read_csv(args.cache / "index.csv").sample(SEEN, random_state=0)
    picture = open_pictures(args.cache, table)
    shown = np.stack([central(picture(row), model.size) for _, row in table.iterrows()])
    images = torch.from_numpy((shown - MEAN) / STD)
    with torch.no_grad():
        before = model(images[:8])["logits"]
        unfold_norms(model, images)
        moved = float((model(images[:8])["logits"] - before).abs().max())
    args.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    state = {"arch": args.arch, "size": model.size, "spent": 0.0, "step": 0}
    torch.save({**state, "model": model.state_dict(), "ema": model.state_dict()}, args.checkpoint)
    print(f"{args.checkpoint}: logits moved by {moved:.2g}")


if __name__ == "__main__":
    main()
