"""One simulated scan as training slices: heads that bleed in HU, with masks that are exact.

Only heads that the benchmark leaves alone are used (all but ``HELD_OUT``), each also
mirrored. Everything about a scan follows from its seed and number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.head_scanner import Frame
from benchmarks.measure_bleeds import Truth, draw_bleed
from benchmarks.measure_heads import Flags, Head
from benchmarks.simulated_scans import Look, paint_blood, scan_head, slice_mean
from benchmarks.tissue import Membranes, head_hu
from ich_cli.domain import SUBTYPES, Subtype
from ich_cli.models.slabs import average_slabs, plan_slabs
from training.atlas import HELD_OUT

Floats = NDArray[np.float32]

NEIGHBOUR_MM = 5.0
"""Spacing that the networks are read at: thinner slices are averaged, or skipped between."""

WITHOUT_BLOOD = 0.25
BLEEDS = {1: 0.6, 2: 0.28, 3: 0.12}
MIXTURE = {
    Subtype.EDH: 0.27,
    Subtype.SDH: 0.27,
    Subtype.SAH: 0.22,
    Subtype.IPH: 0.12,
    Subtype.IVH: 0.12,
}
SIZE_ML = (0.3, 75.0)
ODD_BLOOD_HU = (40.0, 75.0)
"""Mean of every third bleed: too early, too late or too thin for the usual values."""

KEPT, KEPT_BLEEDING = 14, 8
SEEN_MM2 = 15.0
"""A smaller mask does not make its slice bleed, nor leave it free of blood."""

NOTHING = 0.02
"""A slice whose every pixel has a smaller share of blood holds none."""


@dataclass(frozen=True)
class Stack:
    """A scan as a network meets it, base to vertex.

    Attributes:
        hu: ``(z, y, x)`` HU, ``spacing_mm`` apart, pixels of ``pixel_mm``.
        share: Share of each pixel ``(z, y, x)`` that is blood, by subtype; at most 1 in all.
    """

    hu: Floats
    share: Mapping[Subtype, Floats]
    spacing_mm: float
    pixel_mm: float


def training_heads(data: Path) -> list[tuple[Path, bool]]:
    """Label maps that neither the benchmark nor any measurement uses, plain and mirrored."""
    files = sorted((data / "synthseg_labels").glob("training_seg_*.nii.gz"))[:-HELD_OUT]
    return [(file, mirrored) for file in files for mirrored in (False, True)]


def draw_bleeds(head: Head, rng: np.random.Generator) -> list[Truth]:
    """No bleed, or one to three that share no voxel."""
    if rng.random() < WITHOUT_BLOOD:
        return []
    count = int(rng.choice(list(BLEEDS), p=list(BLEEDS.values())))
    kinds = [list(MIXTURE)[i] for i in rng.choice(5, size=count, p=list(MIXTURE.values()))]
    # An IPH first: it darkens what lies around it, other blood should not be.
    kinds.sort(key=lambda kind: kind is not Subtype.IPH)
    bleeds: list[Truth] = []
    for kind in kinds:
        new = draw_bleed(head, kind, float(np.exp(rng.uniform(*np.log(SIZE_ML)))), rng)
        bleeds = [without(old, new.mask) for old in bleeds]
        bleeds.append(new)
    return [bleed for bleed in bleeds if bleed.ml > 0]


def without(bleed: Truth, mask: Flags) -> Truth:
    """A bleed less what a later one took of it."""
    left = bleed.mask & ~mask
    return replace(bleed, mask=left, ml=np.count_nonzero(left) / 1000.0)


def scan(
    head: Head, membranes: Membranes, bleeds: Sequence[Truth], rng: np.random.Generator
) -> Stack:
    """Scan a head with its bleeds, by a scanner more or less sharp and noisy."""
    hu = head_hu(head, membranes, rng)
    for bleed in bleeds:
        paint_blood(hu, head, bleed, rng, ODD_BLOOD_HU if rng.random() < 1 / 3 else None)
    look = Look(
        noise=float(np.exp(rng.uniform(np.log(0.7), np.log(1.7)))),
        blur_mm=float(rng.uniform(0.4, 1.0)),
    )
    volume, frame = scan_head(hu, head, rng, look)
    slabs = plan_slabs(len(volume.hu), frame.scanner.thickness_mm, NEIGHBOUR_MM)
    share = {
        kind: average_slabs(
            blood_share([b for b in bleeds if b.subtype is kind], head, frame), slabs
        )
        for kind in SUBTYPES
        if any(b.subtype is kind for b in bleeds)
    }
    hu = average_slabs(volume.hu, slabs)
    return Stack(hu, share, slabs.spacing_mm, frame.scanner.pixel_mm[0])


def blood_share(bleeds: Sequence[Truth], head: Head, frame: Frame) -> Floats:
    """Share of each of the scanner's voxels ``(z, y, x)`` that is blood of ``bleeds``."""
    mask = np.any([bleed.mask for bleed in bleeds], axis=0)
    out = np.zeros((len(frame.positions), *frame.scanner.matrix), np.float32)
    index = np.argwhere(mask)
    # A slice is this far, in millimetres along its normal, from the blood.
    normal = np.cross(frame.across, frame.down)
    normal /= np.linalg.norm(normal)
    along = frame.turned(head.lps(index)) @ normal
    reach = frame.scanner.thickness_mm / 2 + 2
    depth = frame.positions @ normal
    field = mask.astype(np.float32)
    for z in np.flatnonzero((depth > along.min() - reach) & (depth < along.max() + reach)):
        out[z] = slice_mean(field, head, frame, int(z), 0.0)
    return out


def masks_of(stack: Stack) -> NDArray[np.uint8]:
    """``(z, y, x)`` with bit *k* set where at least half of a pixel is blood of label *k*."""
    bits = np.zeros(stack.hu.shape, np.uint8)
    for kind, share in stack.share.items():
        bits |= (share >= 0.5).astype(np.uint8) << (1 + SUBTYPES.index(kind))
    if stack.share:
        bits |= (sum(stack.share.values()) >= 0.5).astype(np.uint8)
    return bits


def labels_of(stack: Stack, masks: NDArray[np.uint8]) -> NDArray[np.int8]:
    """``(z, 6)``: 1 with a mask of ``SEEN_MM2``, 0 without any blood, −1 between."""
    labels = np.zeros((len(masks), 1 + len(SUBTYPES)), np.int8)
    for bit in range(labels.shape[1]):
        here = [s for kind, s in stack.share.items() if bit in (0, 1 + SUBTYPES.index(kind))]
        if here:
            seen = ((masks >> bit) & 1).sum(axis=(1, 2)) * stack.pixel_mm**2 >= SEEN_MM2
            some = np.max([s.max(axis=(1, 2)) for s in here], axis=0) >= NOTHING
            labels[:, bit] = np.where(seen, 1, np.where(some, -1, 0))
    labels[(labels[:, 1:] == 1).any(axis=1), 0] = 1
    return labels


def keep(bleeding: NDArray[np.int8]) -> list[int]:
    """Up to ``KEPT`` slices in order, by their label *any*: bleeding ones, the rest without."""
    chosen = spread(np.flatnonzero(bleeding == 1), KEPT_BLEEDING)
    chosen += spread(np.flatnonzero(bleeding == 0), KEPT - len(chosen))
    left = np.setdiff1d(np.arange(len(bleeding)), chosen)
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
