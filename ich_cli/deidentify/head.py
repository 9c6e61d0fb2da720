"""The head in a volume, so that everything outside of it can be blanked.

Burned-in text stands in the corners, at the edges, or in the air around the head. It is
thin where the head is thick: an opening by a disc removes strokes, table shells and head
rests, also where they touch the skin. From the slice with the largest piece outward, each
slice keeps the one piece that continues the head of its neighbour, so that a block of text
above the vertex is not taken for one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ich_cli.domain import FloatArray

BODY_HU = -300.0
"""Between air and fat."""

GRID_MM = 2.0
OPENING_MM = 5.0
"""Radius of the opening: strokes, shells and wires up to 10 mm wide go."""

SMALLEST_CM2 = 12.0
"""A smaller piece is no head; a slice without a larger one is all blank."""

LARGEST_SINUS_CM2 = 30.0

CONTINUES = 0.6
"""Share of a piece that must lie over the neighbour's head."""

Mask = NDArray[np.bool_]


def head_mask(hu: FloatArray, spacing_mm: tuple[float, float, float]) -> Mask:
    """Mark the head, slice by slice.

    Args:
        hu: ``(z, y, x)`` Hounsfield units.
        spacing_mm: ``(z, y, x)``.

    Returns:
        ``(z, y, x)`` true inside the outline of the head (air within it included).
    """
    steps = tuple(max(1, round(GRID_MM / mm)) for mm in spacing_mm[1:])
    coarse = hu[:, :: steps[0], :: steps[1]] > BODY_HU
    grid_mm = (spacing_mm[1] * steps[0], spacing_mm[2] * steps[1])
    pieces = [_pieces(layer, grid_mm) for layer in coarse]
    small = _follow(pieces, coarse.shape[1:])
    fine = small.repeat(steps[0], axis=1).repeat(steps[1], axis=2)
    return np.asarray(fine[:, : hu.shape[1], : hu.shape[2]], np.bool_)


def _pieces(body: Mask, grid_mm: tuple[float, float]) -> list[Mask]:
    """The thick pieces of one slice, holes filled, largest first."""
    disc = _disc(OPENING_MM, grid_mm)
    radius = (disc.shape[0] // 2, disc.shape[1] // 2)
    filled = body | _small_holes(body, grid_mm)
    # Beyond the image the body goes on: a head cut by the edge must not lose its rim.
    padded = np.pad(filled, [(r, r) for r in radius], mode="edge")
    opened = ndimage.binary_opening(padded, disc)
    opened = opened[radius[0] : -radius[0], radius[1] : -radius[1]]
    labels, count = ndimage.label(opened)
    if count == 0:
        return []
    sizes = np.bincount(labels.ravel())[1:] * grid_mm[0] * grid_mm[1] / 100.0
    order = [int(i) for i in np.argsort(-sizes) if sizes[i] >= SMALLEST_CM2]
    return [np.asarray(ndimage.binary_fill_holes(labels == i + 1), np.bool_) for i in order]


def _small_holes(body: Mask, grid_mm: tuple[float, float]) -> Mask:
    """Air cells and sinuses, whose walls the opening would take; not the air in a head rest."""
    holes = np.asarray(ndimage.binary_fill_holes(body), np.bool_) & ~body
    labels, _ = ndimage.label(holes)
    small = np.bincount(labels.ravel()) * grid_mm[0] * grid_mm[1] / 100.0 <= LARGEST_SINUS_CM2
    small[0] = False
    return np.asarray(small[labels], np.bool_)


def _disc(radius_mm: float, grid_mm: tuple[float, float]) -> Mask:
    ry, rx = (max(1, round(radius_mm / mm)) for mm in grid_mm)
    y, x = np.ogrid[-ry : ry + 1, -rx : rx + 1]
    return np.asarray((y / ry) ** 2 + (x / rx) ** 2 <= 1.0, np.bool_)


def _follow(pieces: list[list[Mask]], shape: tuple[int, ...]) -> Mask:
    """Choose one piece a slice, from the largest outward."""
    areas = [int(layer[0].sum()) if layer else 0 for layer in pieces]
    chosen = np.zeros((len(pieces), *shape), np.bool_)
    if not any(areas):
        return chosen
    start = int(np.argmax(areas))
    chosen[start] = pieces[start][0]
    for step, stop in ((1, len(pieces)), (-1, -1)):
        last = chosen[start]
        for z in range(start + step, stop, step):
            chosen[z] = _continuation(pieces[z], last)
            if chosen[z].any():
                last = chosen[z]
    return chosen


def _continuation(pieces: list[Mask], last: Mask) -> Mask:
    """The piece that shares most area with ``last`` and mostly lies over it."""
    shared = [int((piece & last).sum()) for piece in pieces]
    if not shared or max(shared) == 0:
        return np.zeros_like(last)
    best = pieces[int(np.argmax(shared))]
    overlap = max(shared) / min(int(best.sum()), int(last.sum()))
    return best if overlap >= CONTINUES else np.zeros_like(last)
