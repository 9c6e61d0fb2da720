"""Left, right, both or midline: of the patient, by the patient's own plane."""

from __future__ import annotations

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


def side_of(points: Points, ml: NDArray[np.float64], plane: Midplane) -> Side | None:
    """Side of blood at LPS ``points`` with volumes ``ml``.

    * *midline*: it lies within 20 mm of the plane, its centre within 5 mm, and over 30 %
      of it in the 10 mm around the plane (third ventricle, pons, vermis, falx);
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
    near = float(ml[np.abs(distance) < MIDLINE_MM].sum()) / total
    centre = float(distance @ ml) / total
    if near > 0.3 and reach < MIDLINE_REACH_MM and abs(centre) < MIDLINE_MM:
        return Side.MIDLINE
    left = float(ml[distance >= MIDLINE_MM].sum())
    right = float(ml[distance <= -MIDLINE_MM].sum())
    if left + right <= 0.0:
        return Side.MIDLINE
    if min(left, right) / (left + right) >= BOTH_SHARE:
        return Side.BILATERAL
    return Side.LEFT if left > right else Side.RIGHT
