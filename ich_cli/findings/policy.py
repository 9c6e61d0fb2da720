"""What decides a call: thresholds, pooling and bands, as plain numbers.

The findings need only these few facts of a model card.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ich_cli.domain import LABELS
from ich_cli.models.card import AnyCard

Pooling = Literal["smooth_max", "rank"]


@dataclass(frozen=True, slots=True)
class Policy:
    """How probabilities become calls.

    Attributes:
        scan: Scan probability at or above which a label is called.
        slice: The same for one slice.
        mask: Soft-mask value at or above which a voxel is blood.
        pooling: Slices → scan where the network has no scan-level head, see
            :func:`ich_cli.findings.aggregate.pool_slices`.
        rank: For ``rank`` pooling.
        band: A scan whose ``any`` odds lie within this factor below the threshold's odds
            is *indeterminate*: not called, but too near to be called negative.
    """

    scan: tuple[float, ...] = (0.5,) * 6
    slice: tuple[float, ...] = (0.5,) * 6
    mask: tuple[float, ...] = (0.5,) * 6
    pooling: Pooling = "rank"
    rank: int = 2
    band: float = 2.0

    def __post_init__(self) -> None:
        for name in ("scan", "slice", "mask"):
            values = getattr(self, name)
            if len(values) != len(LABELS) or not all(0.0 <= v <= 1.0 for v in values):
                raise ValueError(f"{name} thresholds must be {len(LABELS)} numbers in 0…1")
        if self.rank < 1 or self.band < 1.0:
            raise ValueError("rank and band must be at least 1")

    @property
    def indeterminate_from(self) -> float:
        """The lowest ``any`` probability that is indeterminate instead of negative."""
        threshold = self.scan[0]
        odds = threshold / max(1e-9, 1.0 - threshold) / self.band
        return odds / (1.0 + odds)


def policy_of(card: AnyCard) -> Policy:
    """Take from ``card`` what the findings need.

    A card with a scan-level head states no pooling; should the head's answer be missing,
    ``rank`` with the card's rank stands in.
    """
    limits = card.thresholds
    method = card.scan.method
    return Policy(
        scan=limits.scan,
        slice=limits.slice,
        mask=limits.mask,
        pooling="rank" if method == "head" else method,
        rank=card.scan.rank,
    )
