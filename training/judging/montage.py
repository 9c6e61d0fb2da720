"""Draw the failure gallery: small tiles with captions, or one slice large with its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ich_cli.models.resample import Box, resample_box

TILE = 160
"""Pixels a side; larger would be to hand on the data."""

COLUMNS = 6
LINE = 12
GAP = 6
HEADER = 22
ORANGE = (255, 150, 40)


@dataclass(frozen=True)
class Picture:
    """A slice with its neighbours in HU, the head's square, the mask's peak ``(y, x)`` if any."""

    below: np.ndarray
    hu: np.ndarray
    above: np.ndarray
    box: Box
    peak: tuple[int, int] | None


def tile(hu: np.ndarray, box: Box, side: int) -> np.ndarray:
    """Brain window 0…80 HU of the head's square, as the network is given it: uint8."""
    inside = resample_box(hu.clip(0, 80).astype(np.float32), box, (side, side))
    return (inside * (255 / 80)).round().clip(0, 255).astype(np.uint8)


def place(peak: tuple[int, int], box: Box, side: int) -> tuple[float, float]:
    """``(x, y)`` in the tile of a pixel ``(y, x)`` of the slice."""
    y, x = peak[0] + 0.5, peak[1] + 0.5
    return (x - box.x0) / (box.x1 - box.x0) * side, (y - box.y0) / (box.y1 - box.y0) * side


def draw(
    path: Path,
    pictures: Sequence[Picture],
    captions: Sequence[tuple[str, ...]],
    title: str,
    footer: str,
) -> None:
    """All tiles with their captions below, a title above, a citation at the foot."""
    lines = max(len(c) for c in captions)
    width = COLUMNS * (TILE + GAP) + GAP
    step = TILE + lines * LINE + GAP
    rows = -(-len(pictures) // COLUMNS)
    sheet = Image.new("RGB", (width, HEADER + rows * step + HEADER), "black")
    pen = ImageDraw.Draw(sheet)
    pen.text((GAP, 5), title, fill="white", font=_font(12))
    for number, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        left = GAP + (number % COLUMNS) * (TILE + GAP)
        top = HEADER + (number // COLUMNS) * step
        sheet.paste(Image.fromarray(tile(picture.hu, picture.box, TILE)), (left, top))
        if picture.peak is not None:
            x, y = place(picture.peak, picture.box, TILE)
            _ring(pen, left + x, top + y, 9)
        for k, line in enumerate(caption):
            pen.text((left, top + TILE + 1 + k * LINE), line, fill="white", font=_font(10))
    pen.text((GAP, sheet.height - HEADER + 5), footer, fill="white", font=_font(10))
    colours = sheet.quantize(128, dither=Image.Dither.NONE)
    colours.save(path, optimize=True)


def large(path: Path, picture: Picture, side: int = 512) -> None:
    """Slice below, slice; the slice with the ring, slice above: to look at, not to publish."""
    parts = [
        tile(hu, picture.box, side) for hu in (picture.below, *[picture.hu] * 2, picture.above)
    ]
    sheet = Image.fromarray(np.block([parts[:2], parts[2:]])).convert("RGB")
    if picture.peak is not None:
        x, y = place(picture.peak, picture.box, side)
        _ring(ImageDraw.Draw(sheet), x, side + y, 24)
    sheet.save(path)


def _ring(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float) -> None:
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=ORANGE)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
