"""Millilitres, with the range that mask and slice thickness leave open."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ich_cli.domain import Interval, Volume
from ich_cli.findings.labels import UNTYPED, BloodLabels
from ich_cli.findings.partial import PartialBlood


def volumes_ml(
    blood: BloodLabels, partial: PartialBlood, volume: Volume
) -> tuple[Interval, dict[int, Interval]]:
    """Total and per-label volume: Σ share of blood × area × length of normal of each slice.

    The interval joins, as independent parts, what a fainter and a brighter mask would give
    and where within its slice the bleed ends (evenly spread over the slice's thickness;
    90 % range). It knows nothing of blood that the network did not see at all.

    Returns:
        The total (union), and the volume of each label value that occurs.
    """
    voxel_ml = volume.voxel_ml
    ml = partial.by_label(blood.labels)
    each = {
        value: _interval(
            float(ml[value]),
            float(partial.low[value]),
            float(partial.high[value]),
            _end_ml(blood.area_px[:, value], voxel_ml),
        )
        for value in range(1, UNTYPED + 1)
        if ml[value] > 0.0
    }
    ends = _end_ml(blood.any_area_px, voxel_ml)
    return _interval(
        float(ml.sum()), float(partial.low.sum()), float(partial.high.sum()), ends
    ), each


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
