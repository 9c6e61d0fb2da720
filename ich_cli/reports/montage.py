"""All of a scan at a glance: slices from base to vertex with their findings, as one PNG."""

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
    draw_slice,
    font,
    legend,
    mark_sides,
    write_lines,
)
from ich_cli.reports.preview import headline

COLUMNS, MOST = 6, 36
TILE_PX = 200
TEXT = 16


def write_montage(
    volume: Volume, labels: NDArray[np.uint8] | None, assessment: Assessment, path: Path
) -> Path:
    """Draw up to 36 slices, base first, and write them as PNG.

    Of thicker series every slice is shown; of thinner ones evenly spread slices, the key
    slice among them. Display convention and words are those of the preview.

    Raises:
        OutputError: It cannot be written.
    """
    chosen = shown_slices(volume, assessment.key_slice)
    columns = min(COLUMNS, len(chosen))
    rows = -(-len(chosen) // columns)
    canvas = Image.new("RGB", (max(columns, 3) * TILE_PX, rows * TILE_PX + 130))
    draw = ImageDraw.Draw(canvas)
    for place, z in enumerate(chosen):
        tile = draw_slice(volume, z, TILE_PX, None if labels is None else labels[z])
        mark_sides(tile)
        x, y = (place % columns) * TILE_PX, (place // columns) * TILE_PX
        canvas.paste(tile, (x, y))
        is_key = z == assessment.key_slice
        draw.text((x + 5, y + 4), str(z + 1), INK if is_key else FAINT_INK, font(13))
        if is_key:
            draw.rectangle((x, y, x + TILE_PX - 1, y + TILE_PX - 1), outline=INK)
    values = [] if labels is None else [int(v) for v in np.unique(labels) if v > 0]
    top = legend(canvas, rows * TILE_PX + 10, values, TEXT)
    write_lines(canvas, top, headline(assessment), TEXT)
    end = (canvas.width - 10, canvas.height - 8)
    draw.text(end, NOTICE, INK, font(TEXT - 2), anchor="rs")
    with atomic_path(path) as made:
        canvas.save(made, "PNG", optimize=True)
    return path


def shown_slices(volume: Volume, key_slice: int | None) -> list[int]:
    """At most ``MOST`` slice numbers, evenly spread, base first, with the key slice."""
    count = len(volume.hu)
    chosen = np.unique(np.round(np.linspace(0, count - 1, min(count, MOST))).astype(int))
    if key_slice is not None and key_slice not in chosen:
        chosen[int(np.abs(chosen - key_slice).argmin())] = key_slice
    order = [int(z) for z in chosen]
    upwards = volume.positions_mm[-1][2] >= volume.positions_mm[0][2]
    return order if upwards else order[::-1]
