"""Which slices of a simulated scan are kept, with which masks and labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ich_cli.domain import SUBTYPES, Subtype

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

NEIGHBOUR_MM = 5.0
"""Spacing that the networks are read at: thinner slices are averaged, or skipped between."""

KEPT, KEPT_BLEEDING = 14, 8
SEEN_HU, SEEN_MM2 = 150.0, 15.0
"""A smaller mask, or one in pixels as bright as bone, does not make its slice bleed, nor leave
it free of blood."""

BONE_HU = 400.0
"""A brighter pixel is more bone than blood. A lower bound would cost a thin SDH its rim."""

NOTHING = 0.02
"""A slice whose every pixel has a smaller share of blood holds none."""


@dataclass(frozen=True)
class Stack:
    """A scan as a network meets it, base to vertex.

    Attributes:
        hu: ``(z, y, x)`` HU, ``spacing_mm`` apart, pixels of ``pixel_mm``.
        share: Share of each pixel ``(z, y, x)`` that is blood, by subtype; at most 1 in all.
        whole: Which slices ``(z,)`` show the head, and all of it.
    """

    hu: Floats
    share: Mapping[Subtype, Floats]
    whole: Flags
    spacing_mm: float
    pixel_mm: float


def masks_of(stack: Stack) -> NDArray[np.uint8]:
    """``(z, y, x)`` with bit *k* set where at least half of a pixel is blood of label *k*."""
    bits = np.zeros(stack.hu.shape, np.uint8)
    for kind, share in stack.share.items():
        bits |= (share >= 0.5).astype(np.uint8) << (1 + SUBTYPES.index(kind))
    if stack.share:
        bits |= (np.sum(list(stack.share.values()), axis=0) >= 0.5).astype(np.uint8)
    return bits * (stack.hu < BONE_HU)


def labels_of(stack: Stack, masks: NDArray[np.uint8]) -> NDArray[np.int8]:
    """``(z, 6)``: 1 with a mask of ``SEEN_MM2``, 0 without any blood, −1 between."""
    labels = np.zeros((len(masks), 1 + len(SUBTYPES)), np.int8)
    for bit in range(labels.shape[1]):
        here = [s for kind, s in stack.share.items() if bit in (0, 1 + SUBTYPES.index(kind))]
        if here:
            clear = ((masks >> bit) & 1) * (stack.hu < SEEN_HU)
            seen = clear.sum(axis=(1, 2)) * stack.pixel_mm**2 >= SEEN_MM2
            some = np.max([s.max(axis=(1, 2)) for s in here], axis=0) >= NOTHING
            labels[:, bit] = np.where(seen, 1, np.where(some, -1, 0))
    labels[(labels[:, 1:] == 1).any(axis=1), 0] = 1
    return labels


def keep(bleeding: NDArray[np.int8], whole: Flags) -> list[int]:
    """Up to ``KEPT`` whole slices in order, by their label *any*: bleeding, the rest without."""
    chosen = spread(np.flatnonzero((bleeding == 1) & whole), KEPT_BLEEDING)
    chosen += spread(np.flatnonzero((bleeding == 0) & whole), KEPT - len(chosen))
    left = np.setdiff1d(np.flatnonzero(whole), chosen)
    return sorted(chosen + spread(left, KEPT - len(chosen)))


def spread(index: NDArray[np.intp], count: int) -> list[int]:
    """``count`` of ``index``, the first and the last among them."""
    if len(index) > count:
        index = index[np.round(np.linspace(0, len(index) - 1, count)).astype(int)]
    return [int(i) for i in index]


def neighbours(stack: Stack, z: int) -> list[int]:
    """The slices before and after one, as far away as a network has them, and itself."""
    step = max(1, round(NEIGHBOUR_MM / stack.spacing_mm))
    return [max(z - step, 0), z, min(z + step, len(stack.hu) - 1)]
