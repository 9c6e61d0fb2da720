"""The scanner's grid: where each voxel of a phantom lies in the patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ich_cli.phantom.fields import Points
from ich_cli.phantom.spec import PhantomSpec

BASE_MM, TOP_MM = -78.0, 94.0
"""From the foramen magnum to just above the scalp."""
CENTRE_Y_MM = 2.0


@dataclass(frozen=True, slots=True)
class Grid:
    """Slices of a (possibly tilted, possibly unevenly spaced) axial stack.

    Attributes:
        centres_mm: ``(z,)`` height at which each slice crosses the table's axis.
        normal_mm: ``(z,)`` position along the slices' common normal.
        thickness_mm: Slice thickness.
        tilt_deg: Gantry tilt; positive when the front of a slice lies nearer to the vertex, the
            sign in which scans report it.
        pixel_mm: Size of a pixel.
        matrix: Rows and columns.
    """

    centres_mm: NDArray[np.float64]
    normal_mm: NDArray[np.float64]
    thickness_mm: float
    tilt_deg: float
    pixel_mm: float
    matrix: int

    @property
    def n(self) -> int:
        """Number of slices."""
        return len(self.centres_mm)

    @property
    def column_direction(self) -> tuple[float, float, float]:
        """LPS direction from one row to the next."""
        tilt = np.deg2rad(self.tilt_deg)
        return 0.0, float(np.cos(tilt)), -float(np.sin(tilt))

    @property
    def x_mm(self) -> NDArray[np.float64]:
        """``(x,)`` position of each column; left is positive."""
        index = np.arange(self.matrix, dtype=np.float64)
        return (index - (self.matrix - 1) / 2) * self.pixel_mm

    @property
    def positions_mm(self) -> NDArray[np.float64]:
        """``(z, 3)`` LPS of each slice's voxel (0, 0)."""
        half = (self.matrix - 1) / 2 * self.pixel_mm
        _, cy, cz = self.column_direction
        first = np.array([-half, CENTRE_Y_MM - half * cy, -half * cz])
        return first + np.stack([0 * self.centres_mm, 0 * self.centres_mm, self.centres_mm], 1)

    @property
    def slice_mm(self) -> NDArray[np.float64]:
        """``(z,)`` length of normal each slice stands for: half the way to its neighbours."""
        if self.n == 1:
            return np.array([self.thickness_mm])
        gaps = np.diff(self.normal_mm)
        gaps = np.concatenate([gaps[:1], gaps, gaps[-1:]])
        return np.asarray((gaps[:-1] + gaps[1:]) / 2)

    @property
    def voxel_ml(self) -> NDArray[np.float64]:
        """``(z,)`` millilitres of one voxel of each slice."""
        return np.asarray(self.slice_mm * self.pixel_mm**2 / 1000)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """``(z, y, x)``."""
        gap = float(np.median(np.diff(self.normal_mm))) if self.n > 1 else self.thickness_mm
        return gap, self.pixel_mm, self.pixel_mm

    def box(self, limits_mm: tuple[float, float, float, float]) -> tuple[slice, slice]:
        """Rows and columns that hold everything between x and y limits, in any slice."""
        x0, x1, y0, y1 = limits_mm
        offset = (self.matrix - 1) / 2

        def span(low: float, high: float) -> slice:
            first = int(np.floor(low / self.pixel_mm + offset))
            last = int(np.ceil(high / self.pixel_mm + offset)) + 1
            return slice(max(0, first), min(self.matrix, last))

        stretch = 1 / self.column_direction[1]
        return span((y0 - CENTRE_Y_MM) * stretch, (y1 - CENTRE_Y_MM) * stretch), span(x0, x1)

    def sub_slices(self) -> tuple[float, ...]:
        """Heights along the normal at which each slice is sampled, for partial volume."""
        count = int(np.clip(np.ceil(self.thickness_mm / 2.6), 1, 4))
        at = (np.arange(count) + 0.5) / count - 0.5
        return tuple(float(a * self.thickness_mm) for a in at)

    def points(self, index: int, offset_mm: float, rows: slice, columns: slice) -> Points:
        """Voxel centres of one slice, moved along the normal by ``offset_mm``."""
        _, cy, cz = self.column_direction
        v = (np.arange(rows.start, rows.stop) - (self.matrix - 1) / 2) * self.pixel_mm
        y = CENTRE_Y_MM + v * cy - offset_mm * cz
        z = self.centres_mm[index] + v * cz + offset_mm * cy
        return Points(
            self.x_mm[None, columns].astype(np.float32),
            y[:, None].astype(np.float32),
            z[:, None].astype(np.float32),
        )

    def flat_points(self, rows: slice, columns: slice) -> Points:
        """Voxel centres of an untilted slice, for what looks alike in all."""
        v = (np.arange(rows.start, rows.stop) - (self.matrix - 1) / 2) * self.pixel_mm
        y = (CENTRE_Y_MM + v)[:, None].astype(np.float32)
        return Points(self.x_mm[None, columns].astype(np.float32), y, np.zeros_like(y))


def make_grid(spec: PhantomSpec) -> Grid:
    """Lay the slices over the head.

    With ``spec.slices`` the stack is centred on the head; without, it covers the head.
    """
    tilt = np.deg2rad(spec.tilt_deg)
    height = (TOP_MM - BASE_MM) * np.cos(tilt)
    if spec.slices is None:
        counts = [max(1, round(height / len(spec.spacing_mm) / s)) for s in spec.spacing_mm]
    else:
        share, rest = divmod(spec.slices, len(spec.spacing_mm))
        counts = [share + (i < rest) for i in range(len(spec.spacing_mm))]
    gaps = np.repeat(np.asarray(spec.spacing_mm, float), counts)
    along = np.concatenate([[0.0], np.cumsum(gaps)[:-1]])
    middle = (BASE_MM + TOP_MM) / 2 * np.cos(tilt)
    along += middle - (along[-1] + gaps[-1]) / 2 + gaps[0] / 2
    return Grid(
        centres_mm=along / np.cos(tilt),
        normal_mm=along,
        thickness_mm=spec.thickness_mm or float(np.median(spec.spacing_mm)),
        tilt_deg=spec.tilt_deg,
        pixel_mm=spec.field_mm / spec.matrix,
        matrix=spec.matrix,
    )
