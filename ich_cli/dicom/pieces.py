"""Heads that were scanned in pieces: one stack goes on where another ends.

Skull base and vertex are often scanned with another thickness, field of view or tilt each.
Whoever reads the larger piece alone has not read the head.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ich_cli.domain import Instance, Series

FULL_COVERAGE_MM = 120.0
"""A stack of this length shows a head from base to vertex."""
MIN_LENGTH_MM = 5.0
"""A single slice, or a stack that does not rise, such as a sagittal one, is no piece."""
MAX_APART_MM = 20.0
"""More, and the other stack is of another part of the body."""
MIN_NEW = 0.5
"""Share of a piece that lies beyond the others; less of it is a repeat of them."""

Stretch = tuple[float, float]


def goes_on_from(piece: Series, others: Sequence[Series]) -> bool:
    """Whether ``piece`` shows a neighbouring stretch of the body that ``others`` do not.

    Args:
        piece: A stack.
        others: Stacks of the same study, at least one.
    """
    own = stretch_of(piece)
    taken = [stretch for other in others if (stretch := stretch_of(other)) is not None]
    if own is None or len(taken) < len(others) or own[1] - own[0] < MIN_LENGTH_MM:
        return False
    apart = min(max(low - own[1], own[0] - high) for low, high in taken)
    shared = sum(max(0.0, min(own[1], high) - max(own[0], low)) for low, high in taken)
    return apart <= MAX_APART_MM and shared <= (1 - MIN_NEW) * (own[1] - own[0])


def stretch_of(series: Series) -> Stretch | None:
    """Lowest and highest middle of a slice, mm along the patient; ``None`` when not known.

    Frames of one file tell too little in their header to be placed.
    """
    heights = list(_heights(series.instances))
    return (min(heights), max(heights)) if len(heights) == len(series.instances) else None


def _heights(instances: Iterable[Instance]) -> Iterable[float]:
    for item in instances:
        place, axes, pixel = item.position_mm, item.orientation, item.pixel_spacing_mm
        if place is None or axes is None or pixel is None or item.frames > 1:
            continue
        # Not the corner: with a tilt it lies centimetres above or below the slice's middle.
        across = axes[2] * pixel[1] * ((item.columns or 1) - 1) / 2
        down = axes[5] * pixel[0] * ((item.rows or 1) - 1) / 2
        yield place[2] + across + down
