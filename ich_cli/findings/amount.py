"""Millilitres, with the range that mask and slice thickness leave open."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ich_cli.domain import FloatArray, Interval, Volume
from ich_cli.findings.labels import UNTYPED, BloodLabels, bounding_box, head_of_slice
from ich_cli.findings.policy import Policy

LOGIT_BAND = 1.0
"""The interval's ends are read at the mask threshold ± this, in logits."""

HALO_MM = 8.0
"""Fainter mask counts for the upper end only this near to a bleed."""


def volumes_ml(
    blood: BloodLabels, masks: FloatArray, volume: Volume, policy: Policy
) -> tuple[Interval, dict[int, Interval]]:
    """Total and per-label volume: Σ area × the length of normal each slice stands for.

    The interval joins, as independent parts, what a lower and a higher mask threshold
    would give and where within its slice the bleed ends (evenly spread over the slice's
    thickness; 90 % range).

    Returns:
        The total (union), and the volume of each label value that occurs.
    """
    voxel_ml = volume.voxel_ml
    ml = voxel_ml @ blood.area_px
    low, high = _threshold_range(blood, masks, volume, policy)
    total = float(ml[1:].sum())
    each: dict[int, Interval] = {}
    for value in range(1, UNTYPED + 1):
        if ml[value] > 0.0:
            share = float(ml[value]) / total
            each[value] = _interval(
                float(ml[value]),
                low * share,
                high * share,
                _end_ml(blood.area_px[:, value], voxel_ml),
            )
    return _interval(total, low, high, _end_ml(blood.any_area_px, voxel_ml)), each


def _interval(value: float, low: float, high: float, end: float) -> Interval:
    """Half-widths added in quadrature, clipped at zero."""
    down = float(np.hypot(max(0.0, value - low), end))
    up = float(np.hypot(max(0.0, high - value), end))
    return Interval(value, max(0.0, value - down), value + up)


def _end_ml(area_px: NDArray[np.int64], voxel_ml: NDArray[np.float64]) -> float:
    """Half-width of the ends' 90 % range: either end lies anywhere in its slice.

    The area there is taken between that of the end slice and of the next one inwards.
    """
    zs = np.nonzero(area_px)[0]
    if len(zs) == 0:
        return 0.0
    ml = area_px * voxel_ml
    first, last = int(zs[0]), int(zs[-1])
    inner = min(first + 1, last), max(last - 1, first)
    ends = (ml[first] + ml[inner[0]]) / 2, (ml[last] + ml[inner[1]]) / 2
    return float(1.645 * np.hypot(*ends) / np.sqrt(12.0))


def _threshold_range(
    blood: BloodLabels, masks: FloatArray, volume: Volume, policy: Policy
) -> tuple[float, float]:
    """Union volume at the higher and at the lower threshold, near the bleed only."""
    box = bounding_box(blood.labels)
    if box is None:
        return 0.0, 0.0
    threshold = float(np.clip(policy.mask[0], 1e-3, 1 - 1e-3))
    logit = np.log(threshold / (1 - threshold))
    strict, loose = (1 / (1 + np.exp(-(logit + s * LOGIT_BAND))) for s in (1, -1))
    halo = max(1, round(HALO_MM / float(min(volume.spacing_mm[1:]))))
    rows = slice(max(0, box[1].start - halo), box[1].stop + halo)
    cols = slice(max(0, box[2].start - halo), box[2].stop + halo)
    low = high = 0.0
    for z in range(box[0].start, box[0].stop):
        seed = blood.labels[z, rows, cols] > 0
        if not seed.any():
            continue
        soft = np.asarray(masks[z, 0][rows, cols], np.float32)
        near = ndimage.distance_transform_edt(~seed, sampling=volume.spacing_mm[1:]) <= HALO_MM
        inside = head_of_slice(volume.hu[z])[rows, cols]
        low += float(np.count_nonzero((soft >= strict) & seed)) * float(volume.voxel_ml[z])
        high += float(np.count_nonzero(((soft >= loose) & near & inside) | seed)) * float(
            volume.voxel_ml[z]
        )
    return low, high
