"""Connected bleeds, each with its place in the patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ich_cli.domain import SUBTYPES, FloatArray, Lesion, Volume
from ich_cli.findings.geometry import Points, SliceFrame
from ich_cli.findings.labels import SPECK_ML, LabelArray, bounding_box
from ich_cli.findings.locate import Place
from ich_cli.findings.partial import PartialBlood

MAX_POINTS = 20_000
"""Voxels beyond this many are thinned evenly before places are looked up."""


@dataclass(frozen=True, slots=True)
class BloodPoints:
    """Voxels of blood as points: LPS, millilitres each, slice of each."""

    points: Points
    ml: NDArray[np.float64]
    z: NDArray[np.intp]


def blood_points(
    mask: NDArray[np.bool_],
    volume: Volume,
    offset: tuple[int, int, int],
    ml: FloatArray | None = None,
) -> BloodPoints:
    """Points of ``mask``, a crop of the volume at ``offset``; thinned, volume kept.

    ``ml``, of the mask's shape, is what each voxel holds where that is not all of it.
    """
    z, y, x = np.nonzero(mask)
    step = max(1, len(z) // MAX_POINTS)
    z, y, x = z[::step], y[::step], x[::step]
    held = volume.voxel_ml[z + offset[0]] if ml is None else ml[z, y, x].astype(np.float64)
    z, y, x = z + offset[0], y + offset[1], x + offset[2]
    return BloodPoints(SliceFrame.of(volume).to_lps(z, y, x), held * step, z)


def points_of(
    mask: NDArray[np.bool_], volume: Volume, partial: PartialBlood | None = None
) -> BloodPoints:
    """Points of everything in ``mask`` ``(z, y, x)`` of the whole volume.

    With ``partial`` each point has the millilitres that are credited to it.
    """
    box = bounding_box(mask) if partial is None else partial.box
    if box is None:
        return BloodPoints(np.zeros((0, 3)), np.zeros(0), np.zeros(0, np.intp))
    offset = (box[0].start, box[1].start, box[2].start)
    return blood_points(mask[box], volume, offset, None if partial is None else partial.ml)


def find_lesions(
    labels: LabelArray, volume: Volume, place: Place, partial: PartialBlood
) -> tuple[Lesion, ...]:
    """Connected pieces of each subtype (26 neighbours), largest first; specks left out.

    Their millilitres, specks included, add up to those of the subtype.
    """
    box = partial.box
    if box is None:
        return ()
    found: list[Lesion] = []
    for value, subtype in enumerate(SUBTYPES, start=1):
        pieces, count = ndimage.label(labels[box] == value, np.ones((3, 3, 3), bool))
        for number, where in enumerate(ndimage.find_objects(pieces), start=1):
            offset = tuple(box[k].start + where[k].start for k in range(3))
            mask = pieces[where] == number
            per_slice = mask.sum(axis=(1, 2))
            zs = np.arange(offset[0], offset[0] + len(per_slice))
            ml = float(partial.ml[where][mask].sum(dtype=np.float64))
            if ml < SPECK_ML and count > 1:
                continue
            blood = blood_points(mask, volume, (offset[0], offset[1], offset[2]), partial.ml[where])
            low, high = blood.points.min(axis=0), blood.points.max(axis=0)
            centre = blood.ml @ blood.points / blood.ml.sum()
            found.append(
                Lesion(
                    subtype=subtype,
                    ml=ml,
                    side=place.side(blood.points, blood.ml),
                    centroid_lps_mm=_triple(centre),
                    bbox_lps_mm=(_triple(low), _triple(high)),
                    key_slice=int(zs[per_slice.argmax()]),
                    regions=place.regions(subtype, blood.points, blood.ml),
                )
            )
    return tuple(sorted(found, key=lambda lesion: -lesion.ml))


def _triple(point: NDArray[np.float64]) -> tuple[float, float, float]:
    return float(point[0]), float(point[1]), float(point[2])
