"""The pictures a provider gets: pixels of the head, a scale, side marks, and nothing else.

Volume axes are LPS, so a slice as it lies in memory is the radiological display already:
anterior up, the patient's right on the left of the picture.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ich_cli.deidentify.head import Mask, head_mask
from ich_cli.deidentify.overlay import stamped
from ich_cli.domain import FloatArray, SlicePrediction, Volume
from ich_cli.mllm.choose import choose_slices
from ich_cli.mllm.prompts import ImagePlan, Window

SCALE_MM = 50.0
MARGIN = 1.04
AIR_HU = -1000.0
INK = 200
_MARK_PX = 14

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixel edges ``[y0, y1) × [x0, x1)``; it may leave the image."""

    y0: float
    y1: float
    x0: float
    x1: float


@dataclass(frozen=True, slots=True)
class Pictures:
    """PNG files in the order they are shown, and the slices that are on them."""

    png: tuple[bytes, ...]
    slices: tuple[int, ...]


def draw(
    volume: Volume, prediction: SlicePrediction, plan: ImagePlan, max_side_px: int
) -> Pictures:
    """Draw the pictures of one scan.

    Args:
        volume: The head CT.
        prediction: Whose ``probs`` say which slices are suspicious. They choose slices;
            nothing of them is drawn.
        plan: What the prompt wants.
        max_side_px: The provider's limit for the long side of a picture.

    Returns:
        The pictures; none when there is no head in the volume.
    """
    mask = head_mask(volume.hu, volume.spacing_mm)
    area = mask.sum(axis=(1, 2))
    mask &= ~stamped(volume.hu, volume.spacing_mm)
    usable = area > 0.15 * max(int(area.max(initial=0)), 1)
    chosen = choose_slices(prediction.probs[:, 0], usable, volume.spacing_mm[0], plan.slices)
    if not chosen:
        return Pictures((), ())
    box = _square(np.any(mask[list(chosen)], axis=0), volume.spacing_mm)
    side_mm = (box.y1 - box.y0) * volume.spacing_mm[1]
    across = _columns(plan, len(chosen))
    side_px = min(plan.panel_px, max_side_px // across)
    mm_per_px = side_mm / side_px
    panels = [
        [_panel(volume.hu[z], mask[z], box, window, side_px) for window in plan.windows]
        for z in chosen
    ]
    if plan.layout == "panels":
        sheets = [
            _sheet(
                row, len(row), mm_per_px, [w.name for w in plan.windows], f"{i} of {len(panels)}"
            )
            for i, row in enumerate(panels, 1)
        ]
    else:
        sheets = [
            _sheet(
                [row[w] for row in panels],
                across,
                mm_per_px,
                [f"{i}" for i in range(1, len(panels) + 1)],
                window.name,
            )
            for w, window in enumerate(plan.windows)
        ]
    return Pictures(tuple(_png(sheet, max_side_px) for sheet in sheets), chosen)


def _columns(plan: ImagePlan, n_slices: int) -> int:
    return len(plan.windows) if plan.layout == "panels" else math.ceil(math.sqrt(n_slices))


def _square(outline: Mask, spacing_mm: tuple[float, float, float]) -> Box:
    """A square in millimetres around the head, in pixels of the slice."""
    ys, xs = np.nonzero(outline)
    y_mm, x_mm = spacing_mm[1:]
    cy, cx = (ys.min() + ys.max() + 1) / 2, (xs.min() + xs.max() + 1) / 2
    side = MARGIN * max((ys.max() + 1 - ys.min()) * y_mm, (xs.max() + 1 - xs.min()) * x_mm)
    half_y, half_x = side / y_mm / 2, side / x_mm / 2
    return Box(cy - half_y, cy + half_y, cx - half_x, cx + half_x)


def _panel(hu: FloatArray, mask: Mask, box: Box, window: Window, side_px: int) -> Grey:
    """One slice in one window; black outside the head."""
    low = window.level - window.width / 2
    inside = np.where(mask, hu, np.float32(AIR_HU))
    grey = np.rint(np.clip((inside - low) / window.width, 0.0, 1.0) * 255.0).astype(np.uint8)
    return _scaled(grey, box, side_px)


def _scaled(grey: Grey, box: Box, side_px: int) -> Grey:
    """``box`` of a picture at ``side_px`` squared; black where the box leaves the picture."""
    margin = math.ceil(max(0.0, -box.y0, -box.x0, box.y1 - grey.shape[0], box.x1 - grey.shape[1]))
    padded = Image.fromarray(np.pad(grey, margin))
    edges = (box.x0 + margin, box.y0 + margin, box.x1 + margin, box.y1 + margin)
    return np.asarray(
        padded.resize((side_px, side_px), Image.Resampling.BILINEAR, box=edges), np.uint8
    )


def _sheet(
    panels: Sequence[Grey], across: int, mm_per_px: float, titles: Sequence[str], note: str
) -> Image.Image:
    """Panels on a grid; marks stand in a band of their own above and below each, never on it."""
    side = panels[0].shape[0]
    band = _MARK_PX + 6
    down = math.ceil(len(panels) / across)
    sheet = Image.new("L", (side * across, (side + 2 * band) * down + band), 0)
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=_MARK_PX)
    for i, panel in enumerate(panels):
        x, y = side * (i % across), (side + 2 * band) * (i // across)
        sheet.paste(Image.fromarray(panel), (x, y + band))
        middle, foot = x + side // 2, y + band + side
        pen.text((x + 4, y + 2), "R", INK, font)
        pen.text((x + side - 4, y + 2), "L", INK, font, anchor="ra")
        pen.text((middle, y + 2), "A", INK, font, anchor="ma")
        pen.text((x + 4, foot + 2), titles[i], INK, font)
        bar = round(SCALE_MM / mm_per_px)
        pen.line([(x + side - 8 - bar, foot + 6), (x + side - 8, foot + 6)], INK, 2)
        pen.text(
            (x + side - 8, foot + 8), "50 mm", INK, ImageFont.load_default(size=9), anchor="ra"
        )
    pen.text((4, sheet.height - band + 2), note, INK, font)
    return sheet


def _png(sheet: Image.Image, max_side_px: int) -> bytes:
    """PNG bytes with no chunk but the picture itself."""
    if max(sheet.size) > max_side_px:
        scale = max_side_px / max(sheet.size)
        size = (max(1, int(sheet.width * scale)), max(1, int(sheet.height * scale)))
        sheet = sheet.resize(size, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return out.getvalue()
