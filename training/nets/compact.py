"""Constants of an ONNX file in 16 bits a weight: half the file, the same arithmetic.

A weight becomes a 16-bit integer times a step for its output channel times a step for its
input channel. Behind it stand a Cast and two Muls, which ONNX Runtime folds back to float32
when it loads the file. Such even steps round five to ten times less than float16, which
spends half of its bits on small weights, where they matter least. The second step is for the
channels that large activations come in by: their weights are small and need finer steps.

What reads the image, the positions added to it, what is small anyhow and the first transformer
block stay float32: an error made there passes through all that follows. It was most of what was
left, at a tenth of the bytes.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SHORT_FROM = 2**16
"""Kernels and matrices with at least so many elements are stored in 16 bits."""

IMAGE_CHANNELS = 3
FIRST_BLOCK = "/encoder/blocks.0/"
"""In the names of the first transformer block's nodes."""

LARGEST = 2**15 - 1

CODES, STEPS = "_short", ("_steps0", "_steps1")
"""What is added to a constant's name for its integers and for its two arrays of steps."""


def compact(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store the large float32 constants of ``model``, which is changed, in 16 bits."""
    kept: list[onnx.TensorProto] = []
    nodes: list[onnx.NodeProto] = []
    early = {name for n in model.graph.node if FIRST_BLOCK in n.name for name in n.input}
    for item in model.graph.initializer:
        array = numpy_helper.to_array(item)
        if item.name in early or not _is_shortened(array):
            kept.append(item)
            continue
        codes, *steps = to_short(array)
        names = [item.name + end for end in (CODES, *STEPS)]
        stored = zip((codes, *steps), names, strict=True)
        kept += [numpy_helper.from_array(part, name) for part, name in stored]
        wide, half = f"{item.name}_wide", f"{item.name}_scaled"
        nodes += [
            helper.make_node("Cast", [names[0]], [wide], to=TensorProto.FLOAT),
            helper.make_node("Mul", [wide, names[1]], [half]),
            helper.make_node("Mul", [half, names[2]], [item.name]),
        ]
    nodes += model.graph.node
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model


def constants(graph: onnx.GraphProto) -> dict[str, np.ndarray]:
    """Every constant of a file in float32 by its name, short, half-precision or as it is."""
    arrays = {i.name: numpy_helper.to_array(i).astype(np.float32) for i in graph.initializer}
    for name in [n.removesuffix(CODES) for n in arrays if n.endswith(CODES)]:
        first, second = (arrays.pop(name + end) for end in STEPS)
        arrays[name] = arrays.pop(name + CODES) * first * second
    return {name.removesuffix("_half"): array for name, array in arrays.items()}


def to_short(array: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``(a, b, …)`` → int16 codes, float32 steps ``(a, 1, …)`` and ``(1, b, …)``.

    Their product is the array but for half a step. No code exceeds ``LARGEST``: the first
    steps are the roots of each channel's largest weight, the second what is left of each, and
    then the first are tightened to what the second leave.
    """
    scaled = array.astype(np.float64)
    first = np.sqrt(_largest(scaled, 0))
    second = _largest(scaled / first, 1)
    first = first * _largest(scaled / first / second, 0)
    first, second = first.astype(np.float32), (second / LARGEST).astype(np.float32)
    codes = np.rint(scaled / first / second).clip(-LARGEST, LARGEST)
    return codes.astype(np.int16), first, second


def _is_shortened(array: np.ndarray) -> bool:
    """Whether it is a large matrix or kernel that does not read the image itself."""
    if array.dtype != np.float32 or array.size < SHORT_FROM:
        return False
    return array.ndim == 2 or (array.ndim == 4 and array.shape[1] != IMAGE_CHANNELS)


def _largest(array: np.ndarray, axis: int) -> np.ndarray:
    """Largest magnitude along every other axis than ``axis``; 1 where all is zero."""
    others = tuple(k for k in range(array.ndim) if k != axis)
    largest = np.abs(array).max(axis=others, keepdims=True)
    return np.where(largest > 0, largest, 1.0)
