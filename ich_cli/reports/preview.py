"""The key slice of a scan, plain and with its findings, as one PNG."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ich_cli.domain import Assessment, Volume
from ich_cli.notice import NOTICE
from ich_cli.reports.atomic import atomic_path
from ich_cli.reports.drawing import (
    FAINT_INK,
    INK,
    WINDOW_HU,
    draw_slice,
    font,
    legend,
    mark_sides,
    write_lines,
)

SIDE_PX = 560
TEXT = 17


def write_preview(
    volume: Volume, labels: NDArray[np.uint8] | None, assessment: Assessment, path: Path
) -> Path:
    """Draw the key slice, left as it is and right with outlines, and write it as PNG.

    The patient's right is on the picture's left. No name, date or number of the patient
    is in the picture.

    Args:
        volume: The scan.
        labels: ``(z, y, x)``: 1…5 as ``SUBTYPES``, 6 blood of no called subtype.
        assessment: What was found.
        path: Where to; its folder must exist.

    Raises:
        OutputError: It cannot be written.
    """
    z = assessment.key_slice if assessment.key_slice is not None else len(volume.hu) // 2
    drawn = labels[z] if labels is not None else None
    plain, marked = draw_slice(volume, z, SIDE_PX), draw_slice(volume, z, SIDE_PX, drawn)
    for panel in (plain, marked):
        mark_sides(panel)
    canvas = Image.new("RGB", (2 * SIDE_PX + 6, SIDE_PX + 190))
    canvas.paste(plain, (0, 0))
    canvas.paste(marked, (SIDE_PX + 6, 0))
    top = SIDE_PX + 10
    values = [] if labels is None else [int(v) for v in np.unique(labels) if v > 0]
    top = legend(canvas, top, values, TEXT)
    top = write_lines(canvas, top, headline(assessment), TEXT, INK)
    low, high = WINDOW_HU
    details = f"Slice {z + 1} of {len(volume.hu)}, window {low:.0f} to {high:.0f} HU"
    write_lines(canvas, top, details, TEXT - 3, FAINT_INK)
    end = (canvas.width - 10, canvas.height - 8)
    ImageDraw.Draw(canvas).text(end, NOTICE, INK, font(TEXT - 2), anchor="rs")
    with atomic_path(path) as made:
        canvas.save(made, "PNG", optimize=True)
    return path


def headline(assessment: Assessment) -> str:
    """Status, probability and the plain sentence."""
    text = f"{assessment.status.value.capitalize()} (any {assessment.any_prob:.2f})."
    return f"{text} {assessment.sentence}".strip()
