"""HU of a whole head at 1 mm, from its label map: tissues with texture, membranes, chalk.

Usual values at 120 kVp: grey matter 38, white 29, CSF 5 to 12, dural sinus 55, membranes 45,
skull table 1,000 to 1,500 with diploe of 300 to 500, muscle 55, fat −90.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from training.simulation.bleeds import VENTRICLES
from training.simulation.head import Flags, Head

CEREBRUM = ((2, 3), (41, 42))
CEREBELLUM = (7, 8, 46, 47)
WHITE = (2, 41, 7, 46)
BRAIN = (*WHITE, 3, 42, 8, 47)
SOFT, SKIN, TABLE, DIPLOE, SINUS, CSF, EYE = 507, 511, 515, 516, 514, 24, 506
ORBIT_MM = 14
TISSUE_HU = {
    0: -1000, 2: 29, 41: 29, 3: 38, 42: 38, 7: 32, 46: 32, 8: 39, 47: 39, 10: 36, 49: 36, 11: 37,
    50: 37, 12: 37, 51: 37, 13: 36, 52: 36, 16: 30, 17: 36, 53: 36, 18: 36, 54: 36, 26: 36, 58: 36,
    28: 32, 60: 32, 4: 6, 5: 6, 14: 6, 15: 6, 43: 6, 44: 6, 502: 35, EYE: 10, 508: 70, 509: 38,
    512: 30, 530: -80, SOFT: 52, SKIN: 25, TABLE: 1200, DIPLOE: 450, SINUS: 54, CSF: 8,
}  # fmt: skip
OTHER_HU = 35
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Membranes:
    """Falx and tentorium: CSF voxels as far from one part of the brain as from the other."""

    falx: Flags
    tentorium: Flags

    @classmethod
    def of(cls, head: Head) -> Membranes:
        """Find them; the label maps do not hold them."""
        labels = head.map.labels
        box = ndimage.find_objects(head.cavity.astype(np.uint8))[0]
        inner = labels[box]
        left, right, below = (
            ndimage.distance_transform_edt(~np.isin(inner, part)).astype(np.float32)
            for part in (*CEREBRUM, CEREBELLUM)
        )
        free = np.isin(inner, (CSF, SINUS))
        falx = np.zeros(labels.shape, bool)
        falx[box] = free & (np.abs(left - right) <= 1.0) & (np.maximum(left, right) < 7)
        tentorium = np.zeros(labels.shape, bool)
        above = np.minimum(left, right)
        tentorium[box] = free & (np.abs(above - below) <= 1.0) & (np.maximum(above, below) < 5)
        return cls(falx & ~tentorium, tentorium)


def head_hu(head: Head, membranes: Membranes, rng: np.random.Generator) -> Floats:
    """HU ``(z, y, x)`` of a head without blood; every call draws other values."""
    labels = head.map.labels
    table = np.full(1000, OTHER_HU, np.float32)
    for value, hu in TISSUE_HU.items():
        table[value] = hu
    brain = [v for v in TISSUE_HU if 0 < v < 100 and v not in (CSF, *VENTRICLES)]
    table[brain] += rng.normal(0, 1.0)
    table[list(WHITE)] += rng.normal(0, 1.0)
    table[CSF] += rng.uniform(-2, 6)
    table[SINUS] += rng.normal(0, 4)
    table[TABLE] += rng.normal(0, 120)
    hu = table[labels]
    coarse, fine = _texture(labels.shape, 9.0, rng), _texture(labels.shape, 2.5, rng)
    inside = head.cavity
    hu[inside] += (1.2 * coarse + 1.2 * fine)[inside]
    bone = np.isin(labels, (TABLE, DIPLOE))
    hu[bone] *= (1 + 0.2 * fine)[bone]
    _scalp(hu, labels, coarse, fine)
    # Some maps have air or scalp between brain and skull.
    gap = (head.depth_mm > 0) & np.isin(labels, (0, SOFT, SKIN))
    hu[gap] = table[CSF]
    _white_matter_disease(hu, labels, coarse, rng)
    hu[membranes.falx] = rng.uniform(36, 48)
    hu[membranes.tentorium] = rng.uniform(34, 46)
    _chalk(hu, head, membranes, fine, rng)
    return hu


def _texture(shape: tuple[int, ...], size_mm: float, rng: np.random.Generator) -> Floats:
    """Smooth noise of unit spread."""
    step = max(1, round(size_mm / 1.5))
    small = rng.normal(0, 1, tuple(n // step + 3 for n in shape)).astype(np.float32)
    small = ndimage.gaussian_filter(small, size_mm / step / 2)
    large = ndimage.zoom(small, step, order=1)[tuple(slice(0, n) for n in shape)]
    return np.asarray(large / large.std(), np.float32)


def _scalp(hu: Floats, labels: NDArray[np.int16], coarse: Floats, fine: Floats) -> None:
    """Fat beneath the skin and behind the eyes; else muscle with fat between."""
    soft = labels == SOFT
    fat = ndimage.binary_dilation(labels == SKIN, iterations=4)
    for eye in _eyes(labels):
        fat[eye] |= ndimage.distance_transform_edt(labels[eye] != EYE) < ORBIT_MM
    fat &= soft
    hu[fat] = -90 + 12 * fine[fat]
    muscle = soft & ~fat
    # Planes of fat lie where smooth noise crosses zero.
    share = np.clip(1.6 - 4 * np.abs(coarse), 0, 1)[muscle]
    hu[muscle] += 5 * fine[muscle] - 110 * share


def _eyes(labels: NDArray[np.int16]) -> list[tuple[slice, ...]]:
    """A box around each eye that its orbit fits into."""
    parts, _ = ndimage.label(labels == EYE)
    return [
        tuple(slice(max(0, one.start - ORBIT_MM), one.stop + ORBIT_MM) for one in box)
        for box in ndimage.find_objects(parts)
        if min(one.stop - one.start for one in box) > 5
    ]


def _white_matter_disease(
    hu: Floats, labels: NDArray[np.int16], coarse: Floats, rng: np.random.Generator
) -> None:
    """Darker white matter about the ventricles, in half of the heads."""
    if rng.random() < 0.5:
        return
    near = ndimage.binary_dilation(np.isin(labels, (4, 43)), iterations=int(rng.integers(4, 11)))
    dark = near & np.isin(labels, (2, 41))
    hu[dark] -= (rng.uniform(2, 7) * (1 + 0.3 * coarse))[dark]


def _chalk(
    hu: Floats, head: Head, membranes: Membranes, fine: Floats, rng: np.random.Generator
) -> None:
    """Calcium in the pineal gland, choroid plexus, pallidum and falx of some heads."""
    labels = head.map.labels
    if rng.random() < 0.6:
        third = np.argwhere(labels == 14)
        back = third[third[:, 1] >= np.quantile(third[:, 1], 0.9)].mean(axis=0)
        _grain(hu, back + np.array([0, 4, 0]), rng.uniform(1.5, 3.5), rng.uniform(90, 300), fine)
    if rng.random() < 0.5:
        for ventricle in (4, 43):
            room = np.argwhere(labels == ventricle)
            room = room[room[:, 0] > np.median(room[:, 0])]
            atrium = room[np.abs(room[:, 1] - np.quantile(room[:, 1], 0.85)) < 2]
            middle = atrium[np.argmin(np.linalg.norm(atrium - atrium.mean(axis=0), axis=1))]
            _grain(hu, middle, rng.uniform(1.5, 4), rng.uniform(70, 250), fine)
    if rng.random() < 0.15:
        spots = np.isin(labels, (13, 52)) & (fine > 0.5)
        hu[spots] = rng.uniform(60, 110)
    if rng.random() < 0.3:
        falx = np.argwhere(membranes.falx)
        place = falx[int(rng.integers(len(falx)))]
        near = np.linalg.norm(falx - place, axis=1) < rng.uniform(3, 9)
        hu[tuple(falx[near].T)] = rng.uniform(120, 500)


def _grain(hu: Floats, centre: NDArray, radius_mm: float, value: float, fine: Floats) -> None:
    """A lumpy ball."""
    z, y, x = np.indices(hu.shape, sparse=True, dtype=np.float32)
    away = np.sqrt((z - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2)
    ball = away < radius_mm * (1 + 0.3 * fine)
    hu[ball] = np.maximum(hu[ball], value * (1 + 0.2 * fine[ball]))
