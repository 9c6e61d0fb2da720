"""How a slice is cropped for training: around the head, with room to turn and shift it."""

from __future__ import annotations

from ich_cli.models.resample import Box

SIDE = 448
"""Pixels a side of a cropped picture; ``MASK_SIDE`` those of its mask."""

MASK_SIDE = 224
CONTEXT = 1.2
"""Side of the crop by that of the head box."""


def context_box(box: Box) -> Box:
    """``CONTEXT`` times the box, so that turned and shifted heads stay inside."""
    cy, cx = (box.y0 + box.y1) / 2, (box.x0 + box.x1) / 2
    half_y, half_x = (box.y1 - box.y0) / 2 * CONTEXT, (box.x1 - box.x0) / 2 * CONTEXT
    return Box(cy - half_y, cy + half_y, cx - half_x, cx + half_x)
