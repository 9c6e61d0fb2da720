"""Forward passes: a network's tensors in, its named outputs in the project's order out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ich_cli.domain import LABELS, FloatArray
from ich_cli.errors import DeviceError, ModelError
from ich_cli.models.card import Card
from ich_cli.models.finite import NotFiniteError, check_finite
from ich_cli.models.session import INSTALL_CUDA, precision_of

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


_NUMBERS = ("tensor(float)", "tensor(float16)")
"""ONNX Runtime's names of the number formats that a network can be fed."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a network gives for ``n`` slices; class axes in the order of ``LABELS``.

    Attributes:
        logits: ``(n, 6)``.
        mask: ``(n, 6, h, w)`` logits, or ``None``.
        features: ``(n, d)``, or ``None``.
        cam: ``(n, 6, h, w)``, or ``None``.
    """

    logits: FloatArray
    mask: FloatArray | None = None
    features: FloatArray | None = None
    cam: FloatArray | None = None


def join(parts: Sequence[Outputs]) -> Outputs:
    """The outputs of consecutive batches as one."""

    def along(field: str) -> FloatArray | None:
        arrays = [array for part in parts if (array := getattr(part, field)) is not None]
        return np.concatenate(arrays) if arrays else None

    logits = np.concatenate([part.logits for part in parts])
    return Outputs(logits, along("mask"), along("features"), along("cam"))


@dataclass(frozen=True, slots=True)
class Forward:
    """One network with its session, checked against its card.

    ``fixed_batch`` is the batch that the ONNX file was exported for, if for one only.
    """

    session: InferenceSession
    card: Card
    fixed_batch: int | None

    @classmethod
    def check(cls, session: InferenceSession, card: Card, card_path: Path) -> Forward:
        """Compare the inputs and outputs of the ONNX file with the card.

        Raises:
            ModelError: They differ; the message names the card's field.
        """
        found = {tensor.name: tensor for tensor in session.get_inputs()}
        spec = card.input
        if set(found) != {spec.name}:
            raise ModelError(
                f"{card_path}: field input.name: {card.onnx} has the input(s) "
                f"{', '.join(found)}, not {spec.name!r} alone; correct the model card"
            )
        shape = found[spec.name].shape
        square = (spec.size, spec.size)
        wanted = (spec.channels, *square) if spec.layout == "NCHW" else (*square, spec.channels)
        if len(shape) != 4 or not _fits(shape[1:], wanted):
            raise ModelError(
                f"{card_path}: field input: it makes {spec.layout} tensors of N×"
                f"{'×'.join(map(str, wanted))}, {card.onnx} takes "
                f"{'×'.join(map(str, shape))}; correct the model card"
            )
        if found[spec.name].type not in _NUMBERS:
            raise ModelError(
                f"{card_path}: field input: {card.onnx} takes a {found[spec.name].type}, not "
                "float or float16; re-export it"
            )
        given = {tensor.name for tensor in session.get_outputs()}
        for field, name in card.outputs.model_dump(exclude_none=True).items():
            if name not in given:
                raise ModelError(
                    f"{card_path}: field outputs.{field}: {card.onnx} has no output {name!r}, "
                    f"only {', '.join(sorted(given))}; correct the model card"
                )
        fixed = shape[0] if isinstance(shape[0], int) else None
        return cls(session, card, fixed)

    @property
    def feature_width(self) -> int | None:
        """How many features a slice has; ``None`` when there are none or it is not said."""
        for tensor in self.session.get_outputs():
            if tensor.name == self.card.outputs.features and isinstance(tensor.shape[-1], int):
                return int(tensor.shape[-1])
        return None

    def run(self, planes: Sequence[FloatArray]) -> Outputs:
        """Feed slices, each ``(c, size, size)``; at most ``fixed_batch`` where that is set.

        Raises:
            ModelError: An output has another shape than the card promises.
            NotFiniteError: An output holds values that are not numbers.
        """
        count = len(planes)
        # A network of fixed batch sees its last slice repeated; the repeats are dropped.
        repeats = (self.fixed_batch or count) - count
        tensor = np.stack([*planes, *[planes[-1]] * repeats])
        if self.card.input.layout == "NHWC":
            tensor = np.ascontiguousarray(np.moveaxis(tensor, 1, -1))
        if precision_of(self.session) == "fp16":
            tensor = tensor.astype(np.float16)
        names = self.card.outputs.model_dump(exclude_none=True)
        arrays = self.session.run(list(names.values()), {self.card.input.name: tensor})
        return Outputs(
            **{
                field: self._checked(field, np.asarray(array, np.float32)[:count], count)
                for field, array in zip(names, arrays, strict=True)
            }
        )

    def try_out(self) -> None:
        """Run once on an empty slice.

        Raises:
            DeviceError: The device cannot run the network.
        """
        spec = self.card.input
        try:
            self.run([np.zeros((spec.channels, spec.size, spec.size), np.float32)])
        except ModelError:
            raise
        except NotFiniteError:
            return  # It runs; what it says of nothing is no matter.
        except Exception as error:  # noqa: BLE001  ONNX Runtime's errors share no base class
            provider = self.session.get_providers()[0]
            raise DeviceError(
                f"{self.card.onnx} does not run on {provider} ({str(error).splitlines()[0]}); "
                f"{INSTALL_CUDA}, or use --device cpu"
            ) from None

    def _checked(self, field: str, array: FloatArray, count: int) -> FloatArray:
        """An output in the project's layout and label order."""
        if field in ("mask", "cam") and array.ndim == 4 and self.card.input.layout == "NHWC":
            array = np.moveaxis(array, -1, 1)
        wanted: dict[str, tuple[Any, ...]] = {
            "logits": (count, len(LABELS)),
            "features": (count, "d"),
        }
        expected = wanted.get(field, (count, len(LABELS), "h", "w"))
        if not _fits(array.shape, expected):
            raise ModelError(
                f"{self.card.onnx}: output {field} has the shape {array.shape}, the model card "
                f"promises {'×'.join(map(str, expected))}; correct the card or re-export"
            )
        check_finite(array, field, self.card.onnx)
        if field == "features":
            return array
        return in_label_order(array, self.card.labels, axis=1)


def in_label_order(array: FloatArray, labels: Sequence[str], axis: int) -> FloatArray:
    """Move a class axis from a network's own order to that of ``LABELS``."""
    if tuple(labels) == LABELS:
        return array
    return array.take([labels.index(label) for label in LABELS], axis)


def _fits(shape: Sequence[Any], wanted: Sequence[Any]) -> bool:
    """Whether two shapes agree wherever both give a number."""
    return len(shape) == len(wanted) and all(
        a == b
        for a, b in zip(shape, wanted, strict=True)
        if isinstance(a, int) and isinstance(b, int)
    )
