"""Several networks that give one answer: the mean of their log-odds, and of their masks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from ich_cli.domain import FloatArray, SlicePrediction
from ich_cli.models.calibration import calibrate, logits
from ich_cli.models.card import EnsembleCard
from ich_cli.models.network import Network
from ich_cli.models.restore import MeanMasks


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Used like a :class:`~ich_cli.models.network.Network`; members read one after the other.

    Attributes:
        card: What the ensemble is.
        card_path: Where its card lies.
        members: In the card's order, all opened for the same device.
    """

    card: EnsembleCard
    card_path: Path
    members: tuple[Network, ...]

    @property
    def provider(self) -> str:
        """The ONNX Runtime provider that really runs the members; all, where they differ."""
        return ", ".join(dict.fromkeys(member.provider for member in self.members))

    @property
    def precision(self) -> str:
        """``fp32`` or ``fp16``; both, where members differ."""
        return ", ".join(dict.fromkeys(member.precision for member in self.members))

    @property
    def batch(self) -> int:
        """Slices in one forward pass, of the member that takes most."""
        return max(member.batch for member in self.members)

    def predict(
        self,
        hu: FloatArray,
        spacing_mm: tuple[float, float, float],
        *,
        lazy_masks: bool = False,
    ) -> SlicePrediction:
        """Read a volume, or a single slice of one.

        Args:
            hu: ``(z, y, x)`` Hounsfield units, as for one network.
            spacing_mm: ``(z, y, x)``.
            lazy_masks: Give the masks as :class:`~ich_cli.models.restore.MeanMasks`, which
                are restored slice by slice when they are read, and not as one array.

        Returns:
            The mean of the members' calibrated log-odds, calibrated by this card; the mean
            of the masks of those members that have masks. No heat and no scan-level answer.

        Raises:
            ValueError: Shape or spacing cannot be those of a CT volume.
            NotFiniteError: A member gave values that are not numbers.
        """
        found = [member.predict(hu, spacing_mm, lazy_masks=True) for member in self.members]
        mean = np.mean([logits(one.probs) for one in found], axis=0)
        masks = None
        if drawn := [one.masks for one in found if one.masks is not None]:
            lazy = MeanMasks(tuple(drawn))
            # Lazy masks are read like an array; their type says so to those who read them.
            masks = cast(FloatArray, lazy) if lazy_masks else np.asarray(lazy)
        return SlicePrediction(probs=calibrate(mean, self.card.calibration), masks=masks)
