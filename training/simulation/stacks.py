"""Heads that bleed, scanned in HU, each with its blood exactly known: to train with.

Only heads that the benchmarks leave alone are used, each also mirrored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ich_cli.domain import SUBTYPES, Subtype
from ich_cli.models.headbox import TISSUE_HU
from ich_cli.models.slabs import average_slabs, plan_slabs
from training.anatomy.label_map import usable
from training.simulation.bleeds import Truth, draw_bleed
from training.simulation.head import Flags, Head
from training.simulation.scanner import Frame
from training.simulation.scans import Look, paint_blood, scan_head, slice_mean
from training.simulation.slices import NEIGHBOUR_MM, Floats, Stack
from training.simulation.tissue import Membranes, head_hu

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

CUT_MM2, HEAD_MM2 = 200.0, 1000.0
"""Most that a slice may lack of the head, where the label map ends; least that it must show."""


def training_heads(data: Path) -> list[tuple[Path, bool]]:
    """Label maps that neither the benchmark nor any measurement uses, plain and mirrored."""
    files = usable(data / "synthseg_labels")
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
        noise=float(np.exp(rng.uniform(np.log(0.8), np.log(2.2)))),
        blur_mm=float(rng.uniform(0.4, 1.0)),
    )
    volume, frame = scan_head(hu, head, rng, look)
    slabs = plan_slabs(len(volume.hu), frame.scanner.thickness_mm, NEIGHBOUR_MM)
    share = {}
    for kind in SUBTYPES:
        own = [bleed for bleed in bleeds if bleed.subtype is kind]
        if own:
            share[kind] = average_slabs(blood_share(own, head, frame), slabs)
    hu = average_slabs(volume.hu, slabs)
    pixel_mm = frame.scanner.pixel_mm[0]
    lacking = average_slabs(cut_mm2(head, frame)[:, None, None], slabs)[:, 0, 0]
    head_mm2 = (hu > TISSUE_HU).sum(axis=(1, 2)) * pixel_mm**2
    whole = (lacking <= CUT_MM2) & (head_mm2 >= HEAD_MM2)
    return Stack(hu, share, whole, slabs.spacing_mm, pixel_mm)


def cut_mm2(head: Head, frame: Frame) -> Floats:
    """How much of the neck each slice ``(z,)`` would show below the end of the label map."""
    _, rows, cols = head.map.labels.shape
    pixel_mm2 = frame.scanner.pixel_mm[0] * frame.scanner.pixel_mm[1]
    out = np.zeros(len(frame.positions), np.float32)
    for z in range(len(out)):
        x, y, depth = np.round(frame.points(z, 0.0) - head.map.origin_mm).astype(int).T
        below = (depth < 0) & (x >= 0) & (x < cols) & (y >= 0) & (y < rows)
        if not below.any():
            break
        out[z] = np.count_nonzero(head.map.labels[0, y[below], x[below]]) * pixel_mm2
    return out


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
