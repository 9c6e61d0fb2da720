"""Whole heads to bleed in, made from label maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from ich_cli.domain import Subtype
from ich_cli.findings.midline import Midplane
from ich_cli.findings.regions import kind_of
from training.anatomy.alignment import STEP_MM, Shape, align_one, grid, warp
from training.anatomy.label_map import PAIRS, LabelMap
from training.anatomy.regions import region_maps

INSIDE = (2, 3, 4, 5, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 24, 26, 28, 41, 42, 43, 44, 46,
          47, 49, 50, 51, 52, 53, 54, 58, 60, 85, 514)  # fmt: skip
NEAR_MM = 25.0
"""Voxels this near to the first guess decide where the middle plane is."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Head:
    """A label map with what its bleeds are judged by.

    Attributes:
        map: Labels at 1 mm.
        fit: Affine of the map's LPS to template coordinates by its own landmarks.
        regions: Region maps of this head alone, on the template's grid.
        plane: Middle plane by its own left and right labels, see :func:`middle_plane`.
        cavity: Inside of the skull; ``depth_mm`` the distance from the inner table.
    """

    map: LabelMap
    fit: NDArray[np.float64]
    regions: dict[str, NDArray[np.uint8]]
    plane: Midplane
    cavity: Flags
    depth_mm: NDArray[np.float32]

    @classmethod
    def of(cls, label_map: LabelMap, edges: NDArray[np.float64]) -> Head:
        """Prepare a label map; ``edges`` are the template's outermost points."""
        box = ndimage.find_objects((label_map.labels > 0).astype(np.uint8))[0]
        first = np.array([part.start for part in box])[::-1]
        label_map = LabelMap(label_map.labels[box], label_map.origin_mm + first)
        shape = Shape.of(label_map)
        fit = align_one(shape, edges)
        points, size = grid(STEP_MM)
        regions = region_maps(warp(label_map, fit, points, -1)[None], points, size)
        cavity = np.isin(label_map.labels, INSIDE)
        depth = ndimage.distance_transform_edt(ndimage.binary_closing(cavity, iterations=3))
        return cls(
            label_map,
            fit,
            regions,
            middle_plane(label_map, shape),
            cavity,
            depth.astype(np.float32),
        )

    @property
    def centre(self) -> NDArray[np.float64]:
        """LPS of the middle of the cavity."""
        return self.lps(np.argwhere(self.cavity)[::50]).mean(axis=0)

    def lps(self, index: NDArray[np.intp]) -> NDArray[np.float64]:
        """LPS of ``(n, 3)`` voxel indices."""
        return self.map.origin_mm + index[:, ::-1]

    def region_numbers(self, subtype: Subtype, points: NDArray[np.float64]) -> NDArray[np.intp]:
        """Region number of points by this head's own map for the subtype."""
        there = points @ self.fit[:3, :3].T + self.fit[:3, 3]
        origin = grid(STEP_MM)[0][0]
        index = np.round((there - origin) / STEP_MM).astype(int)[:, ::-1]
        own = self.regions[kind_of(subtype).value]
        index = np.clip(index, 0, np.array(own.shape) - 1)
        return own[tuple(index.T)].astype(np.intp)


def middle_plane(label_map: LabelMap, shape: Shape) -> Midplane:
    """The plane that best parts the labels of the left from those of the right.

    It starts between the centroids of four paired structures, whose short distances leave
    it a few degrees open, and is then moved until the fewest voxels lie on the wrong side.
    Bone and skin, by which the tool finds its plane, have no part in it.
    """
    pairs = [(shape.centroids[f"l{v}"], shape.centroids[f"r{v}"]) for v in (8, 10, 12, 17)]
    normal = np.mean([a - b for a, b in pairs], axis=0)
    normal /= np.linalg.norm(normal)
    offset = float(np.mean([(a + b) / 2 @ normal for a, b in pairs]))
    points, sides = [], []
    for sign, values in zip((1.0, -1.0), zip(*PAIRS, strict=True), strict=True):
        index = np.argwhere(np.isin(label_map.labels, values))[::5]
        points.append(label_map.origin_mm + index[:, ::-1])
        sides.append(np.full(len(index), sign))
    cloud, side = np.concatenate(points), np.concatenate(sides)
    near = np.abs(cloud @ normal - offset) < NEAR_MM
    cloud, side = cloud[near], side[near]
    centre = cloud.mean(axis=0)
    centre -= (centre @ normal - offset) * normal

    def turned(move: NDArray[np.float64]) -> NDArray[np.float64]:
        new = normal + np.array([0.0, move[0], move[1]])
        return np.asarray(new / np.linalg.norm(new), np.float64)

    def wrong(move: NDArray[np.float64], soft_mm: float) -> float:
        own_side_mm = ((cloud - centre) @ turned(move) - move[2]) * side
        return float(np.mean(1.0 / (1.0 + np.exp(own_side_mm / soft_mm))))

    move = np.zeros(3)
    for soft_mm in (3.0, 1.0):
        first = [move, *(move + np.diag((0.03, 0.03, 1.0)))]
        options = {"initial_simplex": np.array(first), "xatol": 1e-4, "fatol": 1e-7}
        move = optimize.minimize(
            wrong, move, args=(soft_mm,), method="Nelder-Mead", options=options
        ).x
    return Midplane(turned(move), float(centre @ turned(move) + move[2]), 1.0)
