"""What ``--model`` stands for: one network, or several that give one answer."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ich_cli.domain import FloatArray, SlicePrediction
from ich_cli.models.card import AnyCard, EnsembleCard, load_card
from ich_cli.models.ensemble import Ensemble
from ich_cli.models.network import Network
from ich_cli.models.registry import find_card
from ich_cli.models.session import Precision


class Model(Protocol):
    """What the pipeline needs of a network; see :class:`~ich_cli.models.network.Network`."""

    @property
    def card(self) -> AnyCard:
        """What it is."""

    @property
    def card_path(self) -> Path:
        """Where its card lies."""

    @property
    def provider(self) -> str:
        """The ONNX Runtime provider that really runs it; each one, where members differ."""

    @property
    def precision(self) -> str:
        """The number format in which it computes, ``fp32`` or ``fp16``."""

    @property
    def batch(self) -> int:
        """Slices in one forward pass, at most."""

    def predict(
        self,
        hu: FloatArray,
        spacing_mm: tuple[float, float, float],
        *,
        lazy_masks: bool = False,
    ) -> SlicePrediction:
        """Read a volume; see :meth:`ich_cli.models.network.Network.predict`."""


def load_model(
    name: str,
    *,
    device: str = "auto",
    threads: int | None = None,
    batch: int | None = None,
    precision: Precision = "auto",
) -> Model:
    """Find, check and open a network, or all members of an ensemble.

    Args:
        name: A registry name, or the path of a card or ONNX file.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        threads: Intra-op threads on the CPU; ``None`` lets ONNX Runtime choose.
        batch: Slices in one forward pass; ``None`` takes the card's. A network that was
            exported for one batch only keeps it.
        precision: See :func:`~ich_cli.models.session.open_session`.

    Raises:
        ModelError: Card or weights are missing, broken, or not what the card promises.
        DeviceError: The device that was asked for is not there.
        UsageError: An argument has an impossible value.
    """
    path = find_card(name)
    card = load_card(path)
    if isinstance(card, EnsembleCard):
        networks = [
            Network.open(
                one,
                path.with_name(member),
                device=device,
                threads=threads,
                batch=batch,
                precision=precision,
            )
            for one, member in zip(card.cards, card.members, strict=True)
        ]
        return Ensemble(card, path, tuple(networks))
    return Network.open(
        card, path, device=device, threads=threads, batch=batch, precision=precision
    )
