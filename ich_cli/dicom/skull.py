"""What one slice looks like from the middle of its bone: a ring with brain inside, or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ich_cli.domain import FloatArray

BONE_HU = 250.0
RAYS = 120
RADIAL_MM = 0.75
REACH_MM = 140.0
WALL_FROM_MM = 25.0
"""Nearer to the middle bright voxels are calcified falx, pineal gland or choroid."""
TISSUE_HU = (-10.0, 110.0)
"""Brain, CSF and blood; neither fat nor air nor bone."""
SINUS_DEPTH_MM = (2.5, 7.0)
"""Under the inner table: past its blur, within the superior sagittal sinus."""
SINUS_SECTOR_DEG = 30.0
"""To either side of the middle of the back."""
VESSEL_HU = (105.0, 600.0)
DEEP_MM = 8.0
NOISE_HALF_MM = 25.0
MIN_BONE_VOXELS = 50


@dataclass(frozen=True, slots=True)
class Ring:
    """One slice as seen from the middle of its bone; NaN where nothing is seen.

    Attributes:
        closed: Share of rays that meet bone.
        radius_mm: Median distance to the inner table.
        tissue: Share of the inside that is brain, CSF or blood.
        median_hu: Of the inside.
        sinus_hu: Of the brightest stretch under the back of the skull: the superior sagittal
            sinus, 40 to 70 HU without contrast.
        vessels_mm2: Area deep inside that is brighter than blood.
        noise_hu: Standard deviation from pixel to pixel in the middle.
    """

    closed: float = 0.0
    radius_mm: float = float("nan")
    tissue: float = 0.0
    median_hu: float = float("nan")
    sinus_hu: float = float("nan")
    vessels_mm2: float = 0.0
    noise_hu: float = float("nan")


def look_outwards(plane: FloatArray, pixel_mm: tuple[float, float]) -> Ring:
    """Cast rays from the middle of the bone until they meet it.

    Args:
        plane: ``(y, x)`` Hounsfield units, y towards the back.
        pixel_mm: ``(y, x)`` spacing.

    Returns:
        What the rays saw.
    """
    middle = _middle_of_bone(plane)
    if middle is None:
        return Ring()
    angles = np.linspace(0, 2 * np.pi, RAYS, endpoint=False)
    radii = np.arange(1, int(REACH_MM / RADIAL_MM), dtype=np.float64) * RADIAL_MM
    seen = _sample(plane, middle, pixel_mm, angles, radii)
    wall = (seen > BONE_HU) & (radii > WALL_FROM_MM)
    hit = wall.any(axis=1)
    if not hit.any():
        return Ring()
    table = np.where(hit, radii[wall.argmax(axis=1)], 0.0)
    depth = table[:, None] - radii
    inside = seen[depth > 2 * RADIAL_MM]
    if inside.size == 0:
        return Ring(closed=float(hit.mean()))
    vessel = (seen > VESSEL_HU[0]) & (seen < VESSEL_HU[1]) & (depth > DEEP_MM)
    area = radii * RADIAL_MM * (2 * np.pi / RAYS)
    return Ring(
        closed=float(hit.mean()),
        radius_mm=float(np.median(table[hit])),
        tissue=float(np.mean((inside > TISSUE_HU[0]) & (inside < TISSUE_HU[1]))),
        median_hu=float(np.median(inside)),
        sinus_hu=_sinus(seen, depth, angles),
        vessels_mm2=float((vessel * area).sum()),
        noise_hu=_noise(plane, middle, pixel_mm),
    )


def _middle_of_bone(plane: FloatArray) -> tuple[float, float] | None:
    """Middle between the outermost bone, a hundredth on either side left out."""
    bone = plane > BONE_HU
    if np.count_nonzero(bone) < MIN_BONE_VOXELS:
        return None
    ends = []
    for axis in (1, 0):
        share = np.cumsum(bone.sum(axis=axis))
        ends.append(np.searchsorted(share, [0.01 * share[-1], 0.99 * share[-1]]).mean())
    return float(ends[0]), float(ends[1])


def _sample(
    plane: FloatArray,
    middle: tuple[float, float],
    pixel_mm: tuple[float, float],
    angles: NDArray[np.float64],
    radii: NDArray[np.float64],
) -> FloatArray:
    """Nearest voxels along the rays, ``(rays, radii)``; air beyond the picture."""
    y = np.rint(middle[0] + np.outer(np.sin(angles), radii) / pixel_mm[0]).astype(np.intp)
    x = np.rint(middle[1] + np.outer(np.cos(angles), radii) / pixel_mm[1]).astype(np.intp)
    within = (y >= 0) & (y < plane.shape[0]) & (x >= 0) & (x < plane.shape[1])
    y, x = y.clip(0, plane.shape[0] - 1), x.clip(0, plane.shape[1] - 1)
    return np.where(within, plane[y, x], np.float32(-1024.0))


def _sinus(seen: FloatArray, depth: NDArray[np.float64], angles: NDArray[np.float64]) -> float:
    """Brightest three neighbouring rays, in the band under the back of the skull."""
    back = np.abs(angles - np.pi / 2) < np.radians(SINUS_SECTOR_DEG)
    band = (depth[back] >= SINUS_DEPTH_MM[0]) & (depth[back] <= SINUS_DEPTH_MM[1])
    counts = band.sum(axis=1)
    if (counts == 0).any():
        return float("nan")
    means = (seen[back] * band).sum(axis=1) / counts
    return float(np.convolve(means, np.ones(3) / 3, "valid").max())


def _noise(plane: FloatArray, middle: tuple[float, float], pixel_mm: tuple[float, float]) -> float:
    """From differences of neighbours, edges cut off."""
    y0, x0 = (max(0, int(m - NOISE_HALF_MM / p)) for m, p in zip(middle, pixel_mm, strict=True))
    y1, x1 = (int(m + NOISE_HALF_MM / p) for m, p in zip(middle, pixel_mm, strict=True))
    steps = np.diff(plane[y0:y1, x0:x1], axis=1)
    return float(np.sqrt(np.mean(np.clip(steps, -150, 150) ** 2) / 2)) if steps.size else 0.0
