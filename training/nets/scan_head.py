"""A small network that reads a scan's slice logits together.

Along z it is symmetric: a series that runs vertex first is read alike. Slices get what their
neighbours say added to what they say themselves; a scan's logit is a smooth maximum over its
slices.
"""

from __future__ import annotations

import io

import torch
from torch import nn

CLASSES = 6


class ScanHead(nn.Module):
    """``(1, z, 6)`` slice logits → ``scan_logits`` ``(1, 6)``, ``slice_logits`` ``(1, z, 6)``.

    Five numbers a label: what the higher and the lower neighbour count, how sharp the
    maximum is, and a scale and shift. Some ninety scans do not carry more: a hidden layer of
    twelve units read scans that it had not seen worse than the plain highest slice does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.higher = nn.Parameter(torch.zeros(CLASSES))
        self.lower = nn.Parameter(torch.zeros(CLASSES))
        self.log_sharp = nn.Parameter(torch.zeros(CLASSES))
        self.weight = nn.Parameter(torch.ones(CLASSES))
        self.bias = nn.Parameter(torch.zeros(CLASSES))

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = features.clamp(-12.0, 12.0)
        before = torch.cat([x[:, :1], x[:, :-1]], 1)
        after = torch.cat([x[:, 1:], x[:, -1:]], 1)
        higher = torch.maximum(before, after) - x
        lower = torch.minimum(before, after) - x
        slices = x + self.higher * higher + self.lower * lower
        sharp = self.log_sharp.exp()
        pooled = torch.logsumexp(slices * sharp, 1) / sharp
        return pooled * self.weight + self.bias, slices


def to_onnx(head: ScanHead) -> bytes:
    """The head for any number of slices."""
    buffer = io.BytesIO()
    torch.onnx.export(
        head,
        (torch.zeros(1, 5, CLASSES),),
        buffer,
        input_names=["features"],
        output_names=["scan_logits", "slice_logits"],
        dynamic_axes={"features": {1: "z"}, "slice_logits": {1: "z"}},
        opset_version=17,
        dynamo=False,
    )
    return buffer.getvalue()
