"""BLAST-CT reads a scan: 1 mm grid, the cranial cavity in tiles, millilitres by class.

As its authors run it (github.com/biomedia-mira/blast-ct): linear resampling on LPS axes
(z up, y to the back, x to the left), the most probable class of each voxel, its edge voxels
repeated beyond the scan. One thing is left out to save time: only the cranial cavity and
``MARGIN_MM`` around it are read, everything else counts as background. ``benchmarks.blast_ct``
in bfloat16 answers as in single precision in 999 of 1,000 voxels.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.blast_ct import CLASSES, MARGIN, PHASE, DeepMedic, normalise
from ich_cli.domain import FloatArray, Volume
from ich_cli.findings.geometry import SliceFrame

BLOOD = ("iph", "extra_axial", "ivh")
CALL_ML = 1.0
"""A scan is called from this much predicted blood on."""
SLAB = 45
MARGIN_MM = 8
BONE_HU = 200
AIR_HU = -1000.0


@dataclass(frozen=True)
class Reading:
    """``ml`` of each class but background, ``labels`` on the 1 mm grid, and the time it took."""

    ml: dict[str, float]
    labels: NDArray[np.uint8]
    seconds: float

    @property
    def blood_ml(self) -> float:
        """Blood of any kind; oedema is none."""
        return sum(self.ml[name] for name in BLOOD)


def read(network: DeepMedic, volume: Volume) -> Reading:
    """Read one scan."""
    start = time.process_time()
    hu = millimetre_grid(volume)
    labels = label(network, hu)
    counts = np.bincount(labels.ravel(), minlength=len(CLASSES))
    ml = {name: float(n) / 1000 for name, n in zip(CLASSES[1:], counts[1:], strict=True)}
    return Reading(ml, labels, time.process_time() - start)


def millimetre_grid(volume: Volume) -> FloatArray:
    """HU ``(z, y, x)`` at 1 mm along the slices' normal, rows and columns.

    Slices of a tilted stack are put where they were; uneven spacing is taken as it is.
    """
    frame = SliceFrame.of(volume)
    across = frame.column_step / np.linalg.norm(frame.column_step)
    down = frame.row_step / np.linalg.norm(frame.row_step)
    corner = np.stack([frame.positions_mm @ down, frame.positions_mm @ across], axis=1)
    low = corner.min(axis=0)
    pixel = np.array(volume.spacing_mm[1:])
    extent = corner.max(axis=0) - low + (np.array(volume.hu.shape[1:]) - 1) * pixel
    shape = tuple(int(n) for n in np.round(extent) + 1)
    flat = np.stack(
        [
            ndimage.affine_transform(
                image, 1 / pixel, (low - own) / pixel, shape, np.float32, order=1, cval=AIR_HU
            )
            for image, own in zip(volume.hu, corner, strict=True)
        ]
    )
    depth = frame.depth_mm - frame.depth_mm[0]
    wanted = np.arange(round(depth[-1]) + 1)
    place = np.interp(wanted, depth, np.arange(len(depth)))
    below = np.minimum(place.astype(int), len(depth) - 2)
    share = (place - below).astype(np.float32)[:, None, None]
    return flat[below] * (1 - share) + flat[below + 1] * share


def room(hu: FloatArray) -> NDArray[np.bool_]:
    """The cranial cavity and ``MARGIN_MM`` around it, every second voxel of ``hu``.

    Soft tissue with bone in front, behind and on both sides in its slice; of that the
    largest part which a ball of 6 mm fits into.
    """
    thin = hu[::2, ::2, ::2]
    bone = thin > BONE_HU
    soft = (thin > -50) & ~bone
    for axis in (1, 2):
        behind = np.flip(np.logical_or.accumulate(np.flip(bone, axis), axis), axis)
        soft &= np.logical_or.accumulate(bone, axis) & behind
    parts, count = ndimage.label(ndimage.binary_opening(soft, iterations=3))
    if count == 0:
        return soft
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return ndimage.binary_dilation(parts == sizes.argmax(), iterations=MARGIN_MM // 2)


def label(network: DeepMedic, hu: FloatArray) -> NDArray[np.uint8]:
    """The class of each voxel at 1 mm, slab by slab."""
    inside = room(hu)
    out = np.zeros(hu.shape, np.uint8)
    for z in range(0, hu.shape[0], SLAB):
        there = np.argwhere(inside[z // 2 : (z + SLAB) // 2 + 1].any(axis=0))
        if len(there) == 0:
            continue
        low, high = there.min(axis=0) * 2, there.max(axis=0) * 2 + 2
        low = (z, *low)
        size = (_rounded(min(SLAB, hu.shape[0] - z)), *(_rounded(n) for n in high - low[1:]))
        found = read_tile(network, hu, low, size)
        part = tuple(slice(a, min(a + n, m)) for a, n, m in zip(low, size, hu.shape, strict=True))
        kept = tuple(slice(0, one.stop - one.start) for one in part)
        keep = inside[z // 2 :].repeat(2, 0)[z % 2 :][kept[0]]
        keep = keep.repeat(2, 1).repeat(2, 2)[:, part[1], part[2]]
        out[part] = np.where(keep, found[kept], 0)
    return out


def _rounded(n: int) -> int:
    return -(-int(n) // PHASE) * PHASE


@torch.inference_mode()
def read_tile(
    network: DeepMedic, hu: FloatArray, low: tuple[int, ...], size: tuple[int, ...]
) -> NDArray[np.uint8]:
    """Classes of one tile that begins at ``low``; edge voxels are repeated beyond the scan."""
    index = [
        np.clip(np.arange(a - MARGIN, a + n + MARGIN), 0, m - 1)
        for a, n, m in zip(low, size, hu.shape, strict=True)
    ]
    x = normalise(torch.from_numpy(hu[np.ix_(*index)])[None, None])
    logits = network(x.to(network.dtype))
    return logits[0].argmax(dim=0).numpy().astype(np.uint8)
