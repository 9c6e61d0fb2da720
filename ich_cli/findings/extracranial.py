"""Masks that lie outside the skull are muscle, scalp or orbit, and no intracranial blood.

A piece is dropped only when two independent things say so: the fitted template puts it
outside the cavity, and there is bone between it and the middle of the brain. Without a
good fit nothing is dropped; nor is blood under a skull defect.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ich_cli.domain import Volume
from ich_cli.findings.geometry import Points, SliceFrame
from ich_cli.findings.labels import BloodLabels, LabelArray, bounding_box
from ich_cli.findings.lesions import blood_points
from ich_cli.findings.locate import Place

OUTSIDE_MM = 3.0
OUTSIDE_SHARE = 0.7
"""A piece with this share of its volume beyond ``OUTSIDE_MM`` is outside by the template."""

BONE_HU, BONE_MM = 350.0, 3
MIDDLE = np.array([0.0, 15.0, 8.0])
"""Middle of the brain in the template."""

_RAYS = 24


def inside_skull(blood: BloodLabels, volume: Volume, place: Place) -> BloodLabels:
    """``blood`` without pieces outside the skull."""
    kept = drop_extracranial(blood.labels, volume, place)
    return blood if kept is blood.labels else BloodLabels.of(kept)


def drop_extracranial(labels: LabelArray, volume: Volume, place: Place) -> LabelArray:
    """Clear pieces of blood outside the skull; returns ``labels`` itself when there are none."""
    box = bounding_box(labels)
    if box is None or place.fit is None or not place.fit.good:
        return labels
    pieces, _ = ndimage.label(labels[box] > 0, np.ones((3, 3, 3), bool))
    cleared = labels
    for number, where in enumerate(ndimage.find_objects(pieces), start=1):
        first = [box[k].start + where[k].start for k in range(3)]
        piece = pieces[where] == number
        points = blood_points(piece, volume, (first[0], first[1], first[2])).points
        depth = place.atlas.outside_at(place.fit.to_template(points))
        if float(np.mean(depth > OUTSIDE_MM)) < OUTSIDE_SHARE:
            continue
        if not _behind_bone(points, volume, place):
            continue
        if cleared is labels:
            cleared = labels.copy()
        cleared[box][where][piece] = 0
    return cleared


def _behind_bone(points: Points, volume: Volume, place: Place) -> bool:
    """Whether most straight ways from the piece to the middle of the brain cross bone."""
    if place.fit is None:
        return False
    back = np.linalg.inv(place.fit.matrix)
    middle = back[:3, :3] @ MIDDLE + back[:3, 3]
    starts = points[:: max(1, len(points) // _RAYS)]
    steps = np.arange(
        0.0, 1.0, 1.0 / max(2.0, float(np.linalg.norm(starts - middle, axis=1).max()))
    )
    ways = starts[:, None] + steps[None, :, None] * (middle - starts)[:, None]
    index = SliceFrame.of(volume).to_index(ways.reshape(-1, 3), float(volume.spacing_mm[0]))
    nearest = np.round(index).astype(np.intp)
    inside = np.all((nearest >= 0) & (nearest < volume.hu.shape), axis=1)
    hu = np.full(len(nearest), -1000.0, np.float32)
    hu[inside] = volume.hu[tuple(nearest[inside].T)]
    bone_mm = (hu.reshape(len(starts), -1) >= BONE_HU).sum(axis=1)
    return bool(np.mean(bone_mm >= BONE_MM) > 0.6)
