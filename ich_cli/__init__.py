"""Screen head CT for intracranial haemorrhage. Research use only; not a medical device."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ich_cli.models.model import Model

__version__ = "0.1.0"
__all__ = ["__version__", "load_model"]

# From the moment that it is loaded ONNX Runtime reports to its maker: an identifier of the
# machine, names and checksums of networks. Only what is set before keeps it from that.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def load_model(
    name: str,
    *,
    device: str = "auto",
    threads: int | None = None,
    batch: int | None = None,
) -> Model:
    """Load a network, or several that give one answer, by name or by the path of a card.

    Args:
        name: ``"resnet"``, ``"vit"``, ``"both"``, or a path to ``*.yaml`` / ``*.onnx``.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        threads: Intra-op threads on the CPU; ``None`` lets ONNX Runtime choose.
        batch: Slices per forward pass; ``None`` takes the card's.

    Returns:
        A :class:`~ich_cli.models.model.Model` with ``predict(hu, spacing_mm)``.

    Raises:
        ModelError: The card or the weights are missing, broken or changed.
        DeviceError: The device that was asked for is not there.
        UsageError: An argument has an impossible value.
    """
    from ich_cli.models import model

    return model.load_model(name, device=device, threads=threads, batch=batch)
