"""Draw the failure gallery: small tiles with captions, or one slice large with its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from training.failures import Picture

TILE = 160
"""Pixels a side; larger would be to hand on the data."""

COLUMNS = 6
LINE = 12
GAP = 6
HEADER = 22
ORANGE = (255, 150, 40)


def tile(hu: np.ndarray, side: int) -> np.ndarray:
    """Brain window 0…80 HU → ``(side, side)`` uint8, the longer side filled."""
    grey = (hu.clip(0, 80) * (255 / 80)).astype(np.uint8)
    scale = side / max(grey.shape)
    size = (round(grey.shape[1] * scale), round(grey.shape[0] * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = cv2.resize(grey, size, interpolation=how)
    out = np.zeros((side, side), np.uint8)
    top, left = (side - small.shape[0]) // 2, (side - small.shape[1]) // 2
    out[top : top + small.shape[0], left : left + small.shape[1]] = small
    return out


def place(peak: tuple[int, int], shape: tuple[int, ...], side: int) -> tuple[float, float]:
    """``(x, y)`` in the tile of a pixel ``(y, x)`` of the slice."""
    scale = side / max(shape[:2])
    top, left = (side - shape[0] * scale) / 2, (side - shape[1] * scale) / 2
    return left + (peak[1] + 0.5) * scale, top + (peak[0] + 0.5) * scale


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
        sheet.paste(Image.fromarray(tile(picture.hu, TILE)), (left, top))
        if picture.peak is not None:
            x, y = place(picture.peak, picture.hu.shape, TILE)
            _ring(pen, left + x, top + y, 9)
        for k, line in enumerate(caption):
            pen.text((left, top + TILE + 1 + k * LINE), line, fill="white", font=_font(10))
    pen.text((GAP, sheet.height - HEADER + 5), footer, fill="white", font=_font(10))
    colours = sheet.quantize(128, dither=Image.Dither.NONE)
    colours.save(path, optimize=True)


def large(path: Path, picture: Picture, side: int = 512) -> None:
    """Below, slice; above, slice with the ring: to look at, not to publish."""
    parts = [tile(hu, side) for hu in (picture.below, picture.hu, picture.above, picture.hu)]
    sheet = Image.fromarray(np.block([parts[:2], parts[2:]])).convert("RGB")
    if picture.peak is not None:
        x, y = place(picture.peak, picture.hu.shape, side)
        _ring(ImageDraw.Draw(sheet), side + x, side + y, 24)
    sheet.save(path)


def _ring(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float) -> None:
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=ORANGE)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
