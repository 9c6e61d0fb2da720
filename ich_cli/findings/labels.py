"""Soft masks → one label per voxel, slice by slice, so that memory stays that of one slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ich_cli.domain import SUBTYPES, FloatArray, Volume
from ich_cli.findings.kinds import log_odds, shared_evidence
from ich_cli.findings.policy import Policy

LabelArray = NDArray[np.uint8]

UNTYPED = len(SUBTYPES) + 1
"""Blood of no called subtype: in the total, in no subtype."""

TAPER_MM = 5.0
"""So near to a slice with blood, fainter blood counts; at least the next slice."""

SPECK_ML = 0.05
"""A connected piece below this is noise, unless it is all there is."""

FAINT = float(np.log(0.5))
"""The likeliest subtype counts, if called, down to half the odds of its threshold."""

AIR_HU = -300.0


@dataclass(frozen=True, slots=True)
class BloodLabels:
    """Where the blood is.

    Attributes:
        labels: ``(z, y, x)`` 0 none, 1…5 as ``SUBTYPES``, 6 blood of no called subtype.
        area_px: ``(z, 7)`` voxels of each label a slice.
    """

    labels: LabelArray
    area_px: NDArray[np.int64]

    @classmethod
    def of(cls, labels: LabelArray) -> BloodLabels:
        """Count ``labels``."""
        area = np.stack([np.bincount(plane.ravel(), minlength=UNTYPED + 1) for plane in labels])
        return cls(labels, area.astype(np.int64))

    @property
    def any_area_px(self) -> NDArray[np.int64]:
        """``(z,)`` voxels of blood of any kind."""
        return np.asarray(self.area_px[:, 1:].sum(axis=1), np.int64)


def slices_with_blood(
    any_probs: FloatArray, slice_mm: FloatArray, policy: Policy
) -> NDArray[np.bool_]:
    """``(z,)`` slices whose masks count: called ones, and what lies within 5 mm of them.

    A mask over its threshold in a slice that the network itself does not call is mostly none:
    falx, plexus and partly averaged bone, a little in every slice, added up to more than a
    small bleed. Beside a called slice a bleed tapers off, so there it counts. Where no slice
    is called at all, as by thresholds of a user's own, every slice counts.
    """
    called = np.asarray(any_probs) >= policy.slice[0]
    if not called.any():
        return np.ones(len(called), np.bool_)
    length = np.asarray(slice_mm, np.float64)
    centre = np.cumsum(length) - length / 2
    away = np.abs(centre[:, None] - centre[None, called]).min(axis=1)
    return np.asarray(away <= np.maximum(TAPER_MM, length) * 1.05, np.bool_)


def resolve_labels(
    masks: FloatArray,
    volume: Volume,
    policy: Policy,
    called: tuple[bool, ...],
    counts: NDArray[np.bool_],
) -> BloodLabels:
    """Give every voxel at most one subtype.

    A voxel is blood when the union mask reaches its threshold inside the head. Among the
    subtypes the highest odds, relative to those of its threshold, win; one that was not called
    gives way to the best called one that reaches its own threshold, else the voxel is
    untyped. The odds are those of the blood around it in its slice, see
    :mod:`ich_cli.findings.kinds`. Connected pieces under ``SPECK_ML`` are dropped.

    Args:
        masks: ``(z, 6, y, x)`` soft masks 0…1, any float type.
        volume: The scan they belong to.
        policy: Mask thresholds.
        called: For each subtype, whether the scan has it.
        counts: ``(z,)`` slices whose masks count, see :func:`slices_with_blood`.
    """
    out = np.zeros(volume.hu.shape, np.uint8)
    limits = log_odds(np.clip(np.asarray(policy.mask[1:], np.float32), 1e-3, 1 - 1e-3))
    is_called = np.asarray(called, bool)
    pixel_mm = (float(volume.spacing_mm[1]), float(volume.spacing_mm[2]))
    for z in np.flatnonzero(counts):
        blood = np.asarray(masks[z, 0]) >= policy.mask[0]
        if not blood.any():
            continue
        blood &= head_of_slice(volume.hu[z])
        own = log_odds(np.asarray(masks[z, 1:])[:, blood]) - limits[:, None]
        out[z][blood] = _kinds(own, shared_evidence(own, blood, pixel_mm), is_called)
    _drop_specks(out, volume)
    return BloodLabels.of(out)


def _kinds(own: FloatArray, shared: FloatArray, called: NDArray[np.bool_]) -> LabelArray:
    """Labels ``(n,)`` 1…6 of blood by its ``(5, n)`` log-odds beyond the thresholds.

    Evidence shared with the neighbours says which kind; it must be strong enough in the pixel
    or around it, for at a border between two kinds the shared evidence is weak for both.
    """
    strength = np.maximum(own, shared)
    best = shared.argmax(axis=0)
    second = np.where(called[:, None], shared, -np.inf).argmax(axis=0)
    reaches = np.take_along_axis(strength, second[None], axis=0)[0] >= 0.0
    fallback = np.where(reaches & called[second], second + 1, UNTYPED)
    sure = called[best] & (strength.max(axis=0) > FAINT)
    return np.where(sure, best + 1, fallback).astype(np.uint8)


def head_of_slice(hu: FloatArray) -> NDArray[np.bool_]:
    """``(y, x)`` the largest piece of tissue of one slice with its holes filled."""
    tissue = hu > AIR_HU
    labels, count = ndimage.label(tissue)
    if count == 0:
        return np.zeros(hu.shape, bool)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray(ndimage.binary_fill_holes(labels == int(sizes.argmax())), bool)


def bounding_box(
    labels: NDArray[np.uint8] | NDArray[np.bool_],
) -> tuple[slice, slice, slice] | None:
    """The box of everything that is labelled, or ``None``."""
    marked: NDArray[np.bool_] = labels.astype(np.bool_, copy=False)
    rows = np.any(marked, axis=2)
    zs, ys = np.nonzero(np.any(rows, axis=1))[0], np.nonzero(np.any(rows, axis=0))[0]
    if len(zs) == 0:
        return None
    xs = np.nonzero(np.any(marked[zs[0] : zs[-1] + 1], axis=(0, 1)))[0]
    return (
        slice(int(zs[0]), int(zs[-1]) + 1),
        slice(int(ys[0]), int(ys[-1]) + 1),
        slice(int(xs[0]), int(xs[-1]) + 1),
    )


def _drop_specks(labels: LabelArray, volume: Volume) -> None:
    """Clear connected pieces of blood below ``SPECK_ML``, but never the largest."""
    box = bounding_box(labels)
    if box is None:
        return
    crop = labels[box]
    pieces, count = ndimage.label(crop > 0, np.ones((3, 3, 3), bool))
    per_slice = np.stack([np.bincount(p.ravel(), minlength=count + 1) for p in pieces])
    ml = volume.voxel_ml[box[0]] @ per_slice
    ml[0] = 0.0
    keep = ml >= SPECK_ML
    keep[int(ml.argmax())] = True
    keep[0] = False
    crop[~keep[pieces]] = 0
