"""Where a scanner's voxels lie in a label map's head: turned, tilted, in any orientation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ich_cli.domain import FloatArray, Volume
from ich_cli.findings.midline import Midplane

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scanner:
    """How a head is scanned and stored."""

    depths_mm: Floats
    pixel_mm: tuple[float, float]
    matrix: tuple[int, int]
    tilt_deg: float
    turn_deg: tuple[float, float, float]
    axes: tuple[tuple[int, ...], tuple[int, ...]]
    thickness_mm: float


@dataclass(frozen=True)
class Frame:
    """A scanner set up over a head; vectors are LPS millimetres.

    Attributes:
        scanner: How the head is scanned.
        centre: About which the head is turned, by ``turn``.
        positions: ``(z, 3)`` of each slice's voxel ``(0, 0)``.
        across: From one column to the next; ``down`` from one row to the next.
        travel: Table movement for 1 mm of depth.
    """

    scanner: Scanner
    centre: Floats
    turn: Floats
    positions: Floats
    across: Floats
    down: Floats
    travel: Floats

    @classmethod
    def of(cls, scanner: Scanner, centre: Floats) -> Frame:
        """Set up ``scanner`` with ``centre`` in the middle of its pictures."""
        turn = Rotation.from_euler("xyz", scanner.turn_deg, degrees=True).as_matrix()
        order, signs = scanner.axes
        axes = np.zeros((3, 3))
        for column, (axis, sign) in enumerate(zip(order, signs, strict=True)):
            axes[axis, column] = sign
        lean = Rotation.from_rotvec(np.radians(scanner.tilt_deg) * axes[:, 0]).as_matrix()
        across, down = axes[:, 0] * scanner.pixel_mm[1], lean @ axes[:, 1] * scanner.pixel_mm[0]
        normal = lean @ axes[:, 2]
        travel = axes[:, 2] / (normal @ axes[:, 2])
        rows, cols = scanner.matrix
        corner = centre - (cols - 1) / 2 * across - (rows - 1) / 2 * down
        positions = corner + scanner.depths_mm[:, None] * travel
        return cls(scanner, centre, turn, positions, across, down, travel)

    def points(self, z: int, shift_mm: float, jitter_px: float = 0.0) -> Floats:
        """``(rows × columns, 3)`` points of the head under one slice, off its plane."""
        rows, cols = self.scanner.matrix
        y, x = (v.ravel() for v in np.mgrid[:rows, :cols])
        start = self.positions[z] + shift_mm * self.travel
        lps = start + np.outer(x + jitter_px, self.across) + np.outer(y, self.down)
        return (lps - self.centre) @ self.turn + self.centre

    def turned(self, points: Floats) -> Floats:
        """LPS of the scan of ``(n, 3)`` LPS points of the head."""
        return (points - self.centre) @ self.turn.T + self.centre

    def plane(self, own: Midplane) -> Midplane:
        """The head's own plane, as the scan sees it."""
        normal = self.turn @ own.normal
        return Midplane(
            normal, float(self.centre @ normal - own.left_mm(self.centre[None])[0]), 1.0
        )

    def volume(self, hu: FloatArray) -> Volume:
        """The scan with pixels ``hu`` ``(z, rows, columns)``."""
        gaps = np.diff(self.scanner.depths_mm)
        ends = np.concatenate([gaps[:1], gaps, gaps[-1:]])
        affine = np.eye(4)
        affine[:3, 0], affine[:3, 1], affine[:3, 3] = self.across, self.down, self.positions[0]
        affine[:3, 2] = (self.positions[-1] - self.positions[0]) / (len(hu) - 1)
        return Volume(
            hu,
            (float(np.median(gaps)), *self.scanner.pixel_mm),
            ((ends[:-1] + ends[1:]) / 2).astype(np.float32),
            self.positions,
            affine,
            tuple(str(z) for z in range(len(hu))),
            tilt_deg=self.scanner.tilt_deg,
            slice_thickness_mm=self.scanner.thickness_mm,
        )
