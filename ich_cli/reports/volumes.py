"""The label volume as NIfTI or NRRD, in the patient's millimetres.

Neither SimpleITK nor most viewers know sheared or uneven stacks. A tilted or uneven scan
is therefore written on an upright, even grid with the same pixels: every plane of it is a
slice of the scan, moved within its plane to where it truly lies (by whole pixels, so by at
most half a pixel), and repeated where the scan's slices are further apart.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ich_cli.domain import SUBTYPES, Volume
from ich_cli.notice import NOTICE
from ich_cli.reports.atomic import atomic_path

Labels = NDArray[np.uint8]
VolumeFormat = Literal["nifti", "nrrd"]
SUFFIX: dict[str, str] = {"nifti": ".nii.gz", "nrrd": ".nrrd"}
MEANING = "0 none, " + ", ".join(f"{k} {s.value}" for k, s in enumerate(SUBTYPES, start=1))
MEANING += f", {len(SUBTYPES) + 1} blood of no called subtype"
EVEN_MM = 0.05
"""Slices within this of an even, upright stack are one."""

MAX_PLANES = 2000


@dataclass(frozen=True, slots=True)
class UprightGrid:
    """Labels on a grid with three orthogonal axes.

    Attributes:
        labels: ``(z, y, x)``.
        origin_mm: LPS of voxel ``(0, 0, 0)``.
        spacing_mm: ``(x, y, z)``, the order of SimpleITK.
        direction: 3 × 3, columns are the axes x, y, z in LPS.
    """

    labels: Labels
    origin_mm: NDArray[np.float64]
    spacing_mm: tuple[float, float, float]
    direction: NDArray[np.float64]


def write_label_volume(
    volume: Volume, labels: Labels | None, path: Path, kind: VolumeFormat = "nifti"
) -> Path:
    """Write labels (values: ``MEANING``); without labels an empty volume.

    Args:
        volume: The scan that the labels belong to.
        labels: ``(z, y, x)`` on its grid, or ``None`` where nothing was found.
        path: Without the suffix, which ``kind`` decides.
        kind: ``nifti`` or ``nrrd``.

    Returns:
        The file written.

    Raises:
        OutputError: It cannot be written.
    """
    sitk: Any = importlib.import_module("SimpleITK")
    empty = labels if labels is not None else np.zeros(volume.hu.shape, np.uint8)
    grid = upright(volume, empty)
    image = sitk.GetImageFromArray(grid.labels)
    image.SetOrigin(grid.origin_mm.tolist())
    image.SetSpacing(grid.spacing_mm)
    image.SetDirection(grid.direction.ravel().tolist())
    if kind == "nrrd":
        image.SetMetaData("labels", MEANING)
        image.SetMetaData("note", NOTICE)
    target = path.with_name(path.name + SUFFIX[kind])
    with atomic_path(target) as made:
        sitk.WriteImage(image, str(made), True)
    return target


def upright(volume: Volume, labels: Labels) -> UprightGrid:
    """Put ``labels`` on an orthogonal, even grid; the same array where it already is one."""
    across, down = (np.asarray(volume.affine[:3, k], np.float64) for k in (0, 1))
    sx, sy = float(np.linalg.norm(across)), float(np.linalg.norm(down))
    x_axis, y_axis = across / sx, down / sy
    normal = np.cross(x_axis, y_axis)
    normal /= np.linalg.norm(normal)
    # Pixel axes off by the header's rounding are made exactly orthogonal.
    y_axis = np.cross(normal, x_axis)
    positions = np.asarray(volume.positions_mm, np.float64)
    depth = positions @ normal
    if len(depth) > 1 and depth[-1] < depth[0]:
        normal, depth = -normal, -depth
    direction = np.stack([x_axis, y_axis, normal], axis=1)
    step = _step(depth, float(volume.spacing_mm[0]))
    planes = 1 + round(float(depth[-1] - depth[0]) / step)
    wanted = depth[0] + step * np.arange(planes)
    source = np.abs(depth[None, :] - wanted[:, None]).argmin(axis=1)
    moved = positions - positions[0]
    shift = np.round(np.stack([moved @ y_axis / sy, moved @ x_axis / sx], axis=1)).astype(int)
    low, high = shift.min(axis=0), shift.max(axis=0)
    rows, cols = labels.shape[1:]
    out = np.zeros((planes, rows + int(high[0] - low[0]), cols + int(high[1] - low[1])), np.uint8)
    for plane, z in enumerate(source):
        y0, x0 = (int(v) for v in shift[z] - low)
        out[plane, y0 : y0 + rows, x0 : x0 + cols] = labels[z]
    origin = positions[0] + low[0] * sy * y_axis + low[1] * sx * x_axis
    return UprightGrid(out, origin, (sx, sy, step), direction)


def _step(depth: NDArray[np.float64], usual: float) -> float:
    """Distance of planes: the scan's own when even, else the finest that it has."""
    gaps = np.diff(depth)
    if len(gaps) == 0:
        return usual
    mean = float(depth[-1] - depth[0]) / len(gaps)
    even = depth[0] + mean * np.arange(len(depth))
    if float(np.abs(depth - even).max()) <= EVEN_MM:
        return mean
    finest = float(gaps[gaps > EVEN_MM].min())
    return max(finest, float(depth[-1] - depth[0]) / MAX_PLANES)
