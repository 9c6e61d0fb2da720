"""Export a checkpoint to ONNX, 16 bits a weight on disk, and check it against PyTorch.

python -m training.export RUN/last.pt --name vit --cache CACHE [--out weights]
"""

from __future__ import annotations

import argparse
import hashlib
import io
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import torch
from torch import nn

from training.data.pictures import open_pictures
from training.nets.build import MEAN, STD, make
from training.nets.classifier import Classifier
from training.nets.compact import compact
from training.validate import central

TOLERANCE = 1e-3
"""Probabilities of the slice and of its pixels may differ by this from PyTorch's."""


def outputs_of(model: nn.Module) -> tuple[str, str, str]:
    """What the ONNX file gives: a plain classifier points with ``cam``, the others outline."""
    return ("logits", "cam" if isinstance(model, Classifier) else "mask", "features")


class Exported(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.outputs = model, outputs_of(model)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        out = self.model(image)
        return tuple(out[name] for name in self.outputs)


def to_onnx(model: nn.Module) -> onnx.ModelProto:
    """ONNX of a network: ``image`` (n, 3, s, s) → logits, mask logits or maps, features."""
    buffer = io.BytesIO()
    outputs = outputs_of(model)
    names = {name: {0: "n"} for name in ("image", *outputs)}
    torch.onnx.export(
        Exported(model).eval(),
        (torch.zeros(2, 3, model.size, model.size),),
        buffer,
        input_names=["image"],
        output_names=list(outputs),
        dynamic_axes=names,
        opset_version=17,
        dynamo=False,
    )
    return compact(onnx.load_from_string(buffer.getvalue()))


def largest_difference(path: Path, model: nn.Module, images: np.ndarray) -> dict[str, float]:
    """Largest |ONNX − PyTorch| of each output's probability on ``images``."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    outputs = outputs_of(model)
    theirs = dict(zip(outputs, session.run(list(outputs), {"image": images}), strict=True))
    with torch.no_grad():
        ours = model(torch.from_numpy(images))
    return {
        name: float(np.abs(_sigmoid(theirs[name]) - _sigmoid(ours[name].numpy())).max())
        for name in outputs[:2]
    }


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("weights"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    state = torch.load(args.checkpoint, weights_only=True, map_location="cpu")
    size = state["size"]
    model = make(state["arch"], size, init=args.checkpoint).eval()
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / f"{args.name}.onnx"
    path.write_bytes(to_onnx(model).SerializeToString())
    table = pd.read_csv(args.cache / "index.csv")
    lone = table[table.source == "rsna_slices"]
    table = (lone if len(lone) else table).iloc[:12]
    picture = open_pictures(args.cache, table)
    shown = [central(picture(row), size) for _, row in table.iterrows()]
    images = (np.stack(shown) - MEAN) / STD
    difference = largest_difference(path, model, images.astype(np.float32))
    print(f"{path} {path.stat().st_size / 1e6:.1f} MB sha256 {_sha(path)} difference {difference}")
    if max(difference.values()) > TOLERANCE:
        raise SystemExit(f"{path} differs from PyTorch by more than {TOLERANCE}")


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
