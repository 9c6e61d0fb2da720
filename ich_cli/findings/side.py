"""Left, right, both or midline: of the patient, by the patient's own plane."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ich_cli.domain import Side
from ich_cli.findings.geometry import Points
from ich_cli.findings.midline import Midplane

BOTH_SHARE = 0.15
"""The smaller side's share from which blood is on both sides."""

MIDLINE_MM = 5.0
"""Blood this near to the plane is on neither side."""

MIDLINE_REACH_MM = 20.0
"""A midline bleed straddles the plane and stays within this of it (90th percentile)."""

STRADDLE_SHARE = 0.25
"""Share that lies beyond the plane in blood that straddles it."""

SURE_MM = 2.0
"""A plane is not known better than this: blood centred nearer has no side."""

DOUBT_MM = 2.5
"""A side that this would change is in doubt: on simulated heads 95 % of the planes found pass
the bleed within 2.1 mm of the true one, and every side without doubt was right
(``benchmarks/measure.md``)."""


def side_of(points: Points, ml: NDArray[np.float64], plane: Midplane) -> Side | None:
    """Side of blood at LPS ``points`` with volumes ``ml``.

    * *midline*: it lies within 20 mm of the plane and either is centred within 2 mm of
      it, or within 5 mm and straddles it with over 30 % in the 10 mm around the plane
      (third ventricle, pons, vermis, falx);
    * *bilateral*: the smaller side has at least 15 % of what lies off the plane;
    * else the side with more.

    Returns:
        ``None`` when there is no blood.
    """
    total = float(ml.sum())
    if total <= 0.0:
        return None
    distance = plane.left_mm(points)
    order = np.argsort(np.abs(distance))
    reach = float(np.abs(distance)[order][np.searchsorted(np.cumsum(ml[order]), 0.9 * total)])
    centre = abs(float(distance @ ml) / total)
    near = float(ml[np.abs(distance) < MIDLINE_MM].sum()) / total
    beyond = min(float(ml[distance > 0].sum()), float(ml[distance < 0].sum())) / total
    straddles = centre < MIDLINE_MM and near > 0.3 and beyond >= STRADDLE_SHARE
    if reach < MIDLINE_REACH_MM and (centre < SURE_MM or straddles):
        return Side.MIDLINE
    left = float(ml[distance >= MIDLINE_MM].sum())
    right = float(ml[distance <= -MIDLINE_MM].sum())
    if left + right < 0.2 * total:
        # A thin layer along the falx: all of it is near the plane, but on one side.
        left, right = float(ml[distance > 0].sum()), float(ml[distance < 0].sum())
    if min(left, right) / (left + right) >= BOTH_SHARE:
        return Side.BILATERAL
    return Side.LEFT if left > right else Side.RIGHT


def side_is_sure(points: Points, ml: NDArray[np.float64], plane: Midplane) -> bool:
    """Whether a plane ``DOUBT_MM`` further left or right would give the same side."""
    found = side_of(points, ml, plane)
    moved = (replace(plane, offset_mm=plane.offset_mm + d) for d in (-DOUBT_MM, DOUBT_MM))
    return all(side_of(points, ml, other) is found for other in moved)
