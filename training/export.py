"""Export a checkpoint to ONNX, half-precision on disk, and check it against PyTorch.

    python -m training.export RUN/last.pt --name vit [--out weights]

Large constants are stored as float16 behind a Cast, which ONNX Runtime folds back to
float32 when it loads the file: half the size, the same arithmetic.
"""

from __future__ import annotations

import argparse
import hashlib
import io
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from training.build import MEAN, STD, make

OUTPUTS = ("logits", "mask", "features")
HALF_FROM = 256
"""Constants with at least so many elements are stored in half precision."""


class Exported(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        out = self.model(image)
        return tuple(out[name] for name in OUTPUTS)


def to_onnx(model: nn.Module) -> onnx.ModelProto:
    """ONNX of a network: ``image`` (n, 3, s, s) → logits, mask logits, features."""
    buffer = io.BytesIO()
    names = {name: {0: "n"} for name in ("image", *OUTPUTS)}
    torch.onnx.export(
        Exported(model).eval(),
        (torch.zeros(2, 3, model.size, model.size),),
        buffer,
        input_names=["image"],
        output_names=list(OUTPUTS),
        dynamic_axes=names,
        opset_version=17,
        dynamo=False,
    )
    return halve(onnx.load_from_string(buffer.getvalue()))


def halve(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store large float32 initialisers as float16 with a Cast behind each."""
    casts = []
    kept = []
    for item in model.graph.initializer:
        array = numpy_helper.to_array(item)
        if array.dtype != np.float32 or array.size < HALF_FROM:
            kept.append(item)
            continue
        kept.append(numpy_helper.from_array(array.astype(np.float16), f"{item.name}_half"))
        casts.append(
            helper.make_node("Cast", [f"{item.name}_half"], [item.name], to=TensorProto.FLOAT)
        )
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    nodes = casts + list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model


def largest_difference(path: Path, model: nn.Module, images: np.ndarray) -> dict[str, float]:
    """Largest |ONNX − PyTorch| of each output's probability on ``images``."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    theirs = dict(zip(OUTPUTS, session.run(list(OUTPUTS), {"image": images}), strict=True))
    with torch.no_grad():
        ours = model(torch.from_numpy(images))
    return {
        name: float(np.abs(_sigmoid(theirs[name]) - _sigmoid(ours[name].numpy())).max())
        for name in ("logits", "mask")
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
    arch = torch.load(args.checkpoint, weights_only=True, map_location="cpu")["arch"]
    size = torch.load(args.checkpoint, weights_only=True, map_location="cpu")["size"]
    model = make(arch, size, init=args.checkpoint).eval()
    path = args.out / f"{args.name}.onnx"
    path.write_bytes(to_onnx(model).SerializeToString())
    from training.validate import central

    pictures = np.load(args.cache / "rsna_slices.npy", mmap_mode="r")[:12]
    images = (np.stack([central(p, size) for p in pictures]) - MEAN) / STD
    difference = largest_difference(path, model, images.astype(np.float32))
    print(f"{path} {path.stat().st_size / 1e6:.1f} MB sha256 {_sha(path)} difference {difference}")


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
