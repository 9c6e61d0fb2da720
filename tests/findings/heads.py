"""A small analytic head whose every fact is known, stored in any orientation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ich_cli.domain import LABELS, SUBTYPES, SlicePrediction, Subtype, Volume

Points = NDArray[np.float64]
AXIS_CODES = tuple(
    (order, signs) for order in permutations(range(3)) for signs in product((1, -1), repeat=3)
)
"""All 48 ways to store three axes: which LPS axis each of (x, y, z) follows, and its sign."""


@dataclass(frozen=True)
class Ball:
    """An ellipsoid of blood in the head's own LPS, centre and half axes in mm."""

    subtype: Subtype
    centre: tuple[float, float, float]
    radii: tuple[float, float, float] = (12.0, 12.0, 12.0)

    def inside(self, p: Points) -> NDArray[np.bool_]:
        return _ellipsoid(p, self.centre, self.radii)

    @property
    def ml(self) -> float:
        return float(4.0 / 3.0 * np.pi * np.prod(self.radii) / 1000.0)


@dataclass(frozen=True)
class Scan:
    """How the head lies in the scanner and how it is stored."""

    size: tuple[int, int, int] = (36, 80, 80)
    spacing_mm: tuple[float, float, float] = (5.0, 3.0, 3.0)
    axes: tuple[tuple[int, ...], tuple[int, ...]] = ((0, 1, 2), (1, 1, 1))
    tilt_deg: float = 0.0
    turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    z_offset_mm: float = 0.0
    depths_mm: tuple[float, ...] | None = None
    noise: float = 3.0
    balls: Sequence[Ball] = field(default_factory=tuple)


def head_hu(p: Points) -> NDArray[np.float32]:
    """HU of a head at its own LPS points: skin, skull, brain, ventricles, falx, face."""
    hu = np.full(len(p), -1000.0, np.float32)
    face = _ellipsoid(p, (0, -55, -55), (48, 52, 55))
    hu[face | _ellipsoid(p, (0, 0, 0), (80, 97, 88))] = 30.0
    for side in (-1, 1):
        hu[_ellipsoid(p, (side * 32, -82, -30), (14, 14, 14))] = 8.0
        hu[_ellipsoid(p, (side * 45, 10, -62), (14, 30, 12))] = 500.0
    hu[_ellipsoid(p, (0, -80, -48), (10, 22, 24))] = -900.0
    skull = _ellipsoid(p, (0, 0, 0), (75, 92, 83))
    cavity = _ellipsoid(p, (0, 0, 0), (68, 85, 76))
    hu[skull & ~cavity] = 900.0
    hu[cavity] = 33.0
    for side in (-1, 1):
        hu[_ellipsoid(p, (side * 14, 5, 12), (7, 32, 9))] = 6.0
    hu[cavity & (np.abs(p[:, 0]) < 1.5) & (p[:, 2] > 25)] = 45.0
    return hu


def scan_head(scan: Scan) -> tuple[Volume, NDArray[np.uint8]]:
    """The head as a :class:`Volume` with truth labels ``(z, y, x)`` (0, 1…5)."""
    order, signs = scan.axes
    axes = np.zeros((3, 3))
    for column, (axis, sign) in enumerate(zip(order, signs, strict=True)):
        axes[axis, column] = sign
    # x and y steps lie in the slice; a tilted gantry leans the normal, not the table.
    sz, sy, sx = scan.spacing_mm
    lean = Rotation.from_rotvec(np.radians(scan.tilt_deg) * axes[:, 0]).as_matrix()
    column_step, row_step = axes[:, 0] * sx, lean @ axes[:, 1] * sy
    normal = lean @ axes[:, 2]
    nz, ny, nx = scan.size
    travel = axes[:, 2] / (normal @ axes[:, 2])
    if scan.depths_mm is None:
        depths = (np.arange(nz) - (nz - 1) / 2) * sz + scan.z_offset_mm
    else:
        depths = np.asarray(scan.depths_mm, np.float64)
        nz = len(depths)
    corner = -(nx - 1) / 2 * column_step - (ny - 1) / 2 * row_step + np.asarray(scan.shift_mm)
    positions = corner + depths[:, None] * travel
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 3] = column_step, row_step, positions[0]
    affine[:3, 2] = (positions[-1] - positions[0]) / max(1, nz - 1) if nz > 1 else normal * sz
    gaps = np.diff(depths)
    ends = np.concatenate([[gaps[0]], gaps, [gaps[-1]]]) if nz > 1 else np.array([sz, sz])
    turn = Rotation.from_euler("xyz", scan.turn_deg, degrees=True).as_matrix()
    y, x = (v.ravel() for v in np.mgrid[:ny, :nx])
    hu = np.empty((nz, ny, nx), np.float32)
    truth = np.zeros((nz, ny, nx), np.uint8)
    rng = np.random.default_rng(1)
    for z in range(nz):
        lps = positions[z] + x[:, None] * column_step + y[:, None] * row_step
        own = (lps - np.asarray(scan.shift_mm)) @ turn
        plane = head_hu(own)
        for ball in scan.balls:
            inside = ball.inside(own)
            plane[inside] = 65.0
            truth[z].ravel()[inside] = SUBTYPES.index(ball.subtype) + 1
        hu[z] = (plane + rng.normal(0, scan.noise, len(plane))).reshape(ny, nx)
    volume = Volume(
        hu=hu,
        spacing_mm=(float(np.median(gaps)) if nz > 1 else sz, sy, sx),
        slice_mm=np.asarray((ends[:-1] + ends[1:]) / 2, np.float32),
        positions_mm=positions,
        affine=affine,
        sop_uids=tuple(f"1.2.{z}" for z in range(nz)),
        tilt_deg=scan.tilt_deg,
        slice_thickness_mm=sz,
    )
    return volume, truth


def predict(
    truth: NDArray[np.uint8], inside: float = 0.9, outside: float = 0.02
) -> SlicePrediction:
    """What a good network would say of ``truth``."""
    masks = np.full((len(truth), len(LABELS), *truth.shape[1:]), outside, np.float16)
    masks[:, 0][truth > 0] = inside
    for value in range(1, len(LABELS)):
        masks[:, value][truth == value] = inside
    has = masks.max(axis=(2, 3)) > 0.5
    return SlicePrediction(np.where(has, 0.95, 0.02).astype(np.float32), masks)


def _ellipsoid(p: Points, centre: Sequence[float], radii: Sequence[float]) -> NDArray[np.bool_]:
    scaled = (p - np.asarray(centre, np.float64)) / np.asarray(radii, np.float64)
    return np.einsum("ij,ij->i", scaled, scaled) <= 1.0
