"""Whether pixels were compressed with loss: thin blood may have gone with the grain."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from ich_cli.domain import Instance, Reason

LOSSY_COMPRESSION = "lossy_compression"
"""Flag of a scan some slices of which were compressed with loss."""

_BY_SYNTAX = frozenset(
    f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 53, 55, 81, 91, 93, 112, 203)
)
"""JPEG, JPEG-LS, JPEG 2000, JPEG XL and HTJ2K where they may lose something."""


def lossy_note(items: Sequence[Instance]) -> Reason | None:
    """What the headers tell of a loss; ``None`` when they tell of none.

    What a file was made from counts as well: the loss stays when it is stored plain again.

    Args:
        items: The slices that are used.
    """
    lossy = [item for item in items if _is_lossy(item)]
    if not lossy:
        return None
    ratios = [ratio for item in lossy for ratio in _ratios(item)]
    most = f", up to {max(ratios):.3g} to 1" if ratios else ""
    return Reason(LOSSY_COMPRESSION, f"{len(lossy)} of {len(items)} slices{most}")


def _is_lossy(item: Instance) -> bool:
    """By the header's word; where it gives none, by a transfer syntax that allows for loss."""
    said = item.tags.get("LossyImageCompression")
    return said == "01" or (said is None and item.transfer_syntax_uid in _BY_SYNTAX)


def _ratios(item: Instance) -> list[float]:
    """One for each time that the picture was compressed."""
    found = []
    for text in item.tags.get("LossyImageCompressionRatio", "").split("\\"):
        with suppress(ValueError):
            found.append(float(text))
    return found
