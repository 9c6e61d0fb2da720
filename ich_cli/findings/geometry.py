"""Voxel indices and patient millimetres (LPS), exact for tilted and uneven stacks.

Each slice has its own position; nothing here trusts a single affine for the stack, and
nothing assumes which way an array axis runs: sides are read in LPS alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ich_cli.domain import Volume

Points = NDArray[np.float64]
"""``(n, 3)`` LPS millimetres."""


@dataclass(frozen=True, slots=True)
class SliceFrame:
    """In-plane axes of a stack and where each slice lies along their normal.

    Attributes:
        column_step: LPS millimetres from one voxel to the next in ``x``.
        row_step: The same in ``y``.
        normal: Unit vector perpendicular to the slices.
        positions_mm: ``(z, 3)`` LPS of voxel ``(0, 0)`` of each slice.
        depth_mm: ``(z,)`` the positions projected on ``normal``; rises with ``z``.
    """

    column_step: NDArray[np.float64]
    row_step: NDArray[np.float64]
    normal: NDArray[np.float64]
    positions_mm: NDArray[np.float64]
    depth_mm: NDArray[np.float64]

    @classmethod
    def of(cls, volume: Volume) -> SliceFrame:
        """Read the frame of ``volume``."""
        column_step = np.asarray(volume.affine[:3, 0], np.float64)
        row_step = np.asarray(volume.affine[:3, 1], np.float64)
        normal = np.cross(column_step, row_step)
        normal /= np.linalg.norm(normal)
        positions = np.asarray(volume.positions_mm, np.float64)
        depth = positions @ normal
        if len(depth) > 1 and depth[-1] < depth[0]:
            normal, depth = -normal, -depth
        return cls(column_step, row_step, normal, positions, depth)

    def to_lps(self, z: ArrayLike, y: ArrayLike, x: ArrayLike) -> Points:
        """LPS of voxel indices; ``z`` may be fractional, between two slices."""
        z_, y_, x_ = (np.atleast_1d(np.asarray(v, np.float64)) for v in (z, y, x))
        index = np.arange(len(self.positions_mm))
        origin = np.stack([np.interp(z_, index, self.positions_mm[:, k]) for k in range(3)], axis=1)
        return origin + x_[:, None] * self.column_step + y_[:, None] * self.row_step

    def to_index(self, points: Points, slice_mm: float) -> Points:
        """``(n, 3)`` fractional indices ``(z, y, x)`` of LPS points.

        Beyond the first and last slice ``z`` goes on at ``slice_mm`` a slice.
        """
        depth = points @ self.normal
        index = np.arange(len(self.depth_mm), dtype=np.float64)
        z = np.interp(depth, self.depth_mm, index)
        z = z + np.minimum(depth - self.depth_mm[0], 0.0) / slice_mm
        z = z + np.maximum(depth - self.depth_mm[-1], 0.0) / slice_mm
        origin = np.stack([np.interp(z, index, self.positions_mm[:, k]) for k in range(3)], axis=1)
        rest = points - origin
        x = rest @ self.column_step / (self.column_step @ self.column_step)
        y = rest @ self.row_step / (self.row_step @ self.row_step)
        return np.stack([z, y, x], axis=1)
