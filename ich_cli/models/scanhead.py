"""The small sequence network that reads a scan's slices together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ich_cli.domain import LABELS, FloatArray
from ich_cli.errors import ModelError
from ich_cli.models.calibration import calibrate
from ich_cli.models.card import Card
from ich_cli.models.checksum import read_verified
from ich_cli.models.finite import check_finite
from ich_cli.models.forward import in_label_order
from ich_cli.models.session import open_session

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MIN_SLICES = 3
"""With fewer there is no sequence to read: the slices speak for themselves."""

_OUTPUTS = ["scan_logits", "slice_logits"]


@dataclass(frozen=True, slots=True)
class ScanHead:
    """A sequence network that belongs to the card of a slice network."""

    session: InferenceSession
    card: Card

    @classmethod
    def load(cls, card: Card, card_path: Path, width: int | None, threads: int | None) -> ScanHead:
        """Open the head that ``card.scan`` names; it is small and runs on the CPU.

        ``width`` is how many features a slice has, where the slice network says so.

        Raises:
            ModelError: Its file is missing, changed, broken, or has other tensors.
        """
        if card.scan.onnx is None or card.scan.sha256 is None:
            raise ModelError(f"{card_path}: field scan: 'head' needs onnx and sha256")
        path = card_path.with_name(card.scan.onnx)
        content = read_verified(path, card.scan.sha256)
        session = open_session(content, label=str(path), device="cpu", threads=threads)
        inputs = {tensor.name: tensor.shape for tensor in session.get_inputs()}
        outputs = {tensor.name for tensor in session.get_outputs()}
        if card.scan.features not in inputs or not set(inputs) <= {card.scan.features, "mask"}:
            raise ModelError(
                f"{card_path}: field scan.features: {path.name} has the input(s) "
                f"{', '.join(sorted(inputs))}; correct the model card"
            )
        takes = inputs[card.scan.features][-1]
        if isinstance(takes, int) and width is not None and takes != width:
            raise ModelError(
                f"{card_path}: field scan.onnx: {path.name} takes {takes} features a slice, "
                f"{card.onnx} gives {width}; they do not belong together"
            )
        if not outputs.issuperset(_OUTPUTS):
            raise ModelError(f"{path}: needs the outputs {' and '.join(_OUTPUTS)}; re-export it")
        return cls(session, card)

    def read(self, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Read one scan.

        Args:
            features: ``(z, d)`` of its slices, in order.

        Returns:
            Calibrated scan probabilities ``(6,)``, and refined slice logits ``(z, 6)``.

        Raises:
            NotFiniteError: The head gave values that are not numbers.
        """
        feed = {self.card.scan.features: features[None]}
        for tensor in self.session.get_inputs():
            if tensor.name == "mask":
                kind = np.bool_ if tensor.type == "tensor(bool)" else np.float32
                feed["mask"] = np.ones((1, len(features)), kind)
        scan, slices = (np.asarray(a, np.float32) for a in self.session.run(_OUTPUTS, feed))
        scan = scan.reshape(len(LABELS))
        slices = slices.reshape(len(features), len(LABELS))
        for name, array in zip(_OUTPUTS, (scan, slices), strict=True):
            check_finite(array, name, self.card.scan.onnx)
        labels = self.card.labels
        probs = calibrate(in_label_order(scan, labels, axis=0), self.card.scan.calibration)
        return probs, in_label_order(slices, labels, axis=1)
