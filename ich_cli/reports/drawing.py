"""What the pictures of a scan share: window, outlines, markers, scale, words."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from ich_cli.domain import SUBTYPES, FloatArray, Volume

Colour = tuple[int, int, int]
Picture = NDArray[np.uint8]

WINDOW_HU = (0.0, 80.0)
COLOURS: dict[str, Colour] = {
    "EDH": (255, 107, 125),
    "IPH": (122, 168, 255),
    "IVH": (232, 207, 79),
    "SAH": (79, 213, 230),
    "SDH": (107, 213, 138),
    "untyped": (195, 202, 209),
}
"""Those of the HTML report on a dark page."""

INK: Colour = (235, 235, 235)
FAINT_INK: Colour = (150, 150, 150)
FILL = 0.22
"""How much of the colour lies over the blood itself; the outline is opaque."""


def label_colour(value: int) -> Colour:
    """Colour of label ``value``: 1…5 as ``SUBTYPES``, 6 blood of no called subtype."""
    name = SUBTYPES[value - 1].value if value <= len(SUBTYPES) else "untyped"
    return COLOURS[name]


def draw_slice(
    volume: Volume, z: int, side_px: int, labels: NDArray[np.uint8] | None = None
) -> Image.Image:
    """One slice as radiologists see it: patient's right on the left, front on top.

    Pixels are square millimetres; the slice is fitted into ``side_px`` squared.

    Args:
        volume: The scan.
        z: Slice number.
        side_px: Side of the picture.
        labels: ``(y, x)`` of this slice, outlined and lightly filled where not ``None``.
    """
    grey = _upright(_window(volume.hu[z]), volume)
    width, height, scale = _fitted(volume, side_px)
    small = Image.fromarray(grey).resize((width, height), Image.Resampling.BICUBIC)
    picture = np.repeat(np.asarray(small)[..., None], 3, axis=2)
    if labels is not None and labels.any():
        shown = Image.fromarray(_upright(labels, volume))
        picture = _coloured(picture, np.asarray(shown.resize((width, height), 0)))
    canvas = Image.new("RGB", (side_px, side_px))
    canvas.paste(Image.fromarray(picture), ((side_px - width) // 2, (side_px - height) // 2))
    _scale_bar(canvas, scale)
    return canvas


def mark_sides(canvas: Image.Image) -> None:
    """Write R and L of the patient at the picture's sides."""
    draw = ImageDraw.Draw(canvas)
    size = max(12, canvas.height // 22)
    middle = canvas.height / 2
    draw.text((6, middle), "R", INK, font(size), anchor="lm")
    draw.text((canvas.width - 6, middle), "L", INK, font(size), anchor="rm")


@lru_cache(maxsize=16)
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own typeface, so that pictures are alike everywhere."""
    return ImageFont.load_default(size)


def write_lines(canvas: Image.Image, top: int, text: str, size: int, ink: Colour = INK) -> int:
    """Write ``text`` broken to the canvas's width; returns where the next line may begin.

    Pillow's typeface has no dash of a range.
    """
    text = text.replace("–", "-")
    draw = ImageDraw.Draw(canvas)
    line = ""
    lines = []
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and draw.textlength(longer, font(size)) > canvas.width - 20:
            lines.append(line)
            longer = word
        line = longer
    for one in (*lines, line):
        draw.text((10, top), one, ink, font(size))
        top += round(size * 1.35)
    return top


def legend(canvas: Image.Image, top: int, values: list[int], size: int) -> int:
    """Colour and name of each label that occurs; returns where the next line may begin."""
    draw = ImageDraw.Draw(canvas)
    x = 10
    for value in values:
        name = SUBTYPES[value - 1].value if value <= len(SUBTYPES) else "blood, type uncertain"
        draw.rectangle((x, top + 2, x + size, top + 2 + size), fill=label_colour(value))
        draw.text((x + size + 6, top), name, INK, font(size))
        x += round(size + 24 + draw.textlength(name, font(size)))
    return top + round(size * 1.6) if values else top


def _window(hu: FloatArray) -> Picture:
    low, high = WINDOW_HU
    return np.asarray(np.clip((hu - low) / (high - low), 0, 1) * 255, np.uint8)


def _upright(plane: Picture, volume: Volume) -> Picture:
    """Turn so that x runs to the patient's left and y to the back, whatever the storage."""
    if volume.affine[0, 0] < 0:
        plane = plane[:, ::-1]
    if volume.affine[1, 1] < 0:
        plane = plane[::-1]
    return np.ascontiguousarray(plane)


def _fitted(volume: Volume, side_px: int) -> tuple[int, int, float]:
    """Width, height and pixels per millimetre of a slice fitted into a square."""
    rows, cols = volume.hu.shape[1:]
    height_mm, width_mm = rows * volume.spacing_mm[1], cols * volume.spacing_mm[2]
    scale = side_px / max(height_mm, width_mm)
    return max(1, round(width_mm * scale)), max(1, round(height_mm * scale)), scale


def _coloured(picture: Picture, labels: NDArray[np.uint8]) -> Picture:
    out = picture.astype(np.float32)
    for value in np.unique(labels[labels > 0]):
        inside = labels == value
        rim = inside & ~ndimage.binary_erosion(inside)
        colour = np.asarray(label_colour(int(value)), np.float32)
        out[inside] = (1 - FILL) * out[inside] + FILL * colour
        out[rim] = colour
    return out.astype(np.uint8)


def _scale_bar(canvas: Image.Image, scale: float) -> None:
    """Five centimetres along the lower edge; left out where a picture is too small."""
    length = 50.0 * scale
    if canvas.width < 300:
        return
    draw = ImageDraw.Draw(canvas)
    y = canvas.height - 12
    draw.line((12, y, 12 + length, y), INK, 2)
    draw.line((12, y - 4, 12, y + 4), INK, 2)
    draw.line((12 + length, y - 4, 12 + length, y + 4), INK, 2)
    draw.text((16 + length, y), "5 cm", INK, font(13), anchor="lm")
