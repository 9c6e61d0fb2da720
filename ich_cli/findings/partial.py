"""Blood within the voxel: soft masks add up to millilitres finer than a voxel.

A thin layer fills its voxels only in part. Counting the voxels over the threshold loses
what lies below it; summing the mask as it stands would trust it as a probability, which a
network's mask is not: its threshold is set where outlines agree best, often far from one
half. So the mask is first moved in log-odds until its threshold lies at one half; then it
is summed over the outer labelled voxels and a narrow rim around them, in the slice and in
the slices next to it; deep inside a bleed every voxel is full. Where the threshold is one
half and the mask full inside, that is the plain sum of the mask.

On simulated scans this more than halves the bias of thin blood and of thick slices; on
real outlines it changes next to nothing (``benchmarks/measure.md``,
``benchmarks/outlines.md``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ich_cli.domain import FloatArray, Volume
from ich_cli.findings.labels import AIR_HU, UNTYPED, BloodLabels, LabelArray, bounding_box
from ich_cli.findings.policy import Policy

RIM_MM = 3.0
"""Fainter mask counts this near to labelled blood; further out it is another matter. As far
inside, blood is full: a mask of 0.9 there is doubt, not a tenth of brain."""

LOGIT_BAND = 2.0
"""The range's ends are summed with the mask this much fainter and brighter, in log-odds."""

Box = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True)
class PartialBlood:
    """Millilitres of blood, each credited to the labelled voxel it is nearest to.

    Attributes:
        box: Bounding box of the labels; ``None`` without blood.
        ml: ``(z, y, x)`` within ``box``: the voxel's own blood and its part of the rim.
        low: ``(7,)`` millilitres by label with the mask ``LOGIT_BAND`` fainter.
        high: The same with the mask that much brighter.
    """

    box: Box | None
    ml: FloatArray
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def by_label(self, labels: LabelArray) -> NDArray[np.float64]:
        """``(7,)`` millilitres of each label of ``labels``, the volume they were made from."""
        if self.box is None:
            return np.zeros(UNTYPED + 1)
        return _sums(labels[self.box].ravel(), self.ml.ravel())


def partial_blood(
    blood: BloodLabels, masks: FloatArray, volume: Volume, policy: Policy
) -> PartialBlood:
    """Share out the union mask among the labelled voxels.

    Args:
        blood: What is measured; a voxel it leaves out although its mask is over the
            threshold (a speck, a muscle) stays out.
        masks: ``(z, 6, y, x)`` soft masks; read slice by slice.
        volume: The scan.
        policy: For the threshold of the union mask.
    """
    box = bounding_box(blood.labels)
    low, high = np.zeros(UNTYPED + 1), np.zeros(UNTYPED + 1)
    if box is None:
        return PartialBlood(None, np.zeros((0, 0, 0), np.float32), low, high)
    rows, cols = _grown(box, volume)
    wide = blood.labels[:, rows, cols]
    first, last = box[0].start, box[0].stop
    rims = {z: _rim(wide[z] > 0, volume) for z in range(first, last)}
    threshold = float(np.clip(policy.mask[0], 1e-3, 1 - 1e-3))
    ml = np.zeros((last - first, wide[0].size), np.float32)
    for z in range(max(0, first - 1), min(len(wide), last + 1)):
        mask = np.asarray(masks[z, 0][rows, cols], np.float32).ravel()
        odds = _odds(mask) * (1.0 - threshold) / threshold
        free = (mask < threshold) & (volume.hu[z, rows, cols].ravel() > AIR_HU)
        free |= wide[z].ravel() > 0
        odds[_core(wide, z, volume)] = np.inf
        voxel_ml = float(volume.voxel_ml[z])
        for owner_z, voxels, owners in _claims(z, wide, rims):
            mine = free[voxels]
            taken, to = voxels[mine], owners[mine]
            free[taken] = False
            own = odds[taken]
            ml[owner_z - first] += np.bincount(
                to, _share(own) * voxel_ml, minlength=ml.shape[1]
            ).astype(np.float32)
            label = wide[owner_z].ravel()[to]
            low += _sums(label, _share(own * np.exp(-LOGIT_BAND)) * voxel_ml)
            high += _sums(label, _share(own * np.exp(LOGIT_BAND)) * voxel_ml)
    crop = ml.reshape(-1, *wide.shape[1:])[
        :, box[1].start - rows.start : box[1].stop - rows.start,
        box[2].start - cols.start : box[2].stop - cols.start,
    ]  # fmt: skip
    return PartialBlood(box, crop, low, high)


Claim = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Flat indices in a slice's crop: voxels, and the labelled voxel each is nearest to."""


def _claims(
    z: int, wide: LabelArray, rims: dict[int, Claim]
) -> Iterator[tuple[int, NDArray[np.intp], NDArray[np.intp]]]:
    """Who may take voxels of slice ``z``, in order: its own blood and rim, then neighbours'."""
    for owner_z in (z, z - 1, z + 1):
        if owner_z in rims:
            labelled = np.nonzero(wide[owner_z].ravel())[0]
            yield owner_z, labelled, labelled
            yield owner_z, *rims[owner_z]


def _rim(seed: NDArray[np.bool_], volume: Volume) -> Claim:
    """Voxels within ``RIM_MM`` of blood in its slice, with the nearest blood of each."""
    if not seed.any():
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    away, nearest = ndimage.distance_transform_edt(
        ~seed, sampling=volume.spacing_mm[1:], return_indices=True
    )
    rim = np.nonzero(((away > 0.0) & (away <= RIM_MM)).ravel())[0]
    flat = np.ravel_multi_index(tuple(nearest), seed.shape).ravel()
    return rim, np.asarray(flat[rim], np.intp)


def _core(wide: LabelArray, z: int, volume: Volume) -> NDArray[np.bool_]:
    """Flat mask of slice ``z``: blood over, under, and further than ``RIM_MM`` around."""
    seed = wide[z] > 0
    if not seed.any() or z in (0, len(wide) - 1):
        return np.zeros(seed.size, bool)
    deep = ndimage.distance_transform_edt(seed, sampling=volume.spacing_mm[1:]) > RIM_MM
    return np.asarray(deep & (wide[z - 1] > 0) & (wide[z + 1] > 0)).ravel()


def _grown(box: Box, volume: Volume) -> tuple[slice, slice]:
    """Rows and columns of ``box`` with room for the rim."""
    grown = []
    for part, pixel, size in zip(box[1:], volume.spacing_mm[1:], volume.hu.shape[1:], strict=True):
        halo = int(np.ceil(RIM_MM / float(pixel)))
        grown.append(slice(max(0, part.start - halo), min(size, part.stop + halo)))
    return grown[0], grown[1]


def _odds(mask: NDArray[np.float32]) -> NDArray[np.float64]:
    p = np.clip(mask.astype(np.float64), 0.0, 1.0 - 1e-6)
    return np.asarray(p / (1.0 - p), np.float64)


def _share(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1.0 - 1.0 / (1.0 + odds), np.float64)


def _sums(labels: NDArray[np.uint8], ml: NDArray[np.float64] | FloatArray) -> NDArray[np.float64]:
    return np.bincount(labels, ml, minlength=UNTYPED + 1).astype(np.float64)
