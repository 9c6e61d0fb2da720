"""The head on a coarse, even grid along the patient's axes, for plane and atlas fits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ich_cli.domain import FloatArray, Volume
from ich_cli.findings.geometry import Points, SliceFrame

STEP_MM = 4.0
HEAD_WINDOW = (-200.0, 300.0)
"""Clipped before averaging, so that a speck of metal or dense bone does not rule a voxel."""

BRAIN_WINDOW = (0.0, 45.0)
"""Fluid against brain; blood and bone are cut to just above brain."""

HEAD_HU = -100.0
"""Between fat and air."""


@dataclass(frozen=True, slots=True)
class CoarseHead:
    """A head at ``STEP_MM``; index ``(z, y, x)`` rises to superior, posterior, left.

    Attributes:
        hu: ``(z, y, x)`` HU clipped to ``HEAD_WINDOW``; its lower end outside head and scan.
        brain: The same in ``BRAIN_WINDOW``.
        scanned: Where the scan has data.
        head: The head itself, filled; table, pillow and holder are not in it.
        origin_mm: LPS of voxel ``(0, 0, 0)``.
    """

    hu: FloatArray
    brain: FloatArray
    scanned: NDArray[np.bool_]
    head: NDArray[np.bool_]
    origin_mm: NDArray[np.float64]

    def points(self, index: NDArray[np.intp]) -> Points:
        """LPS of ``(n, 3)`` indices ``(z, y, x)``."""
        return self.origin_mm + STEP_MM * index[:, ::-1].astype(np.float64)

    def index(self, points: Points) -> Points:
        """Fractional indices ``(z, y, x)`` of LPS points."""
        return np.asarray(((points - self.origin_mm) / STEP_MM)[:, ::-1], np.float64)


def coarse_head(volume: Volume) -> CoarseHead:
    """Resample ``volume`` to an even grid along LPS; tilt and uneven spacing come out right."""
    frame = SliceFrame.of(volume)
    factors = _block_size(volume)
    nz, ny, nx = volume.hu.shape
    corners = np.concatenate(
        [frame.to_lps([z] * 4, [0, 0, ny - 1, ny - 1], [0, nx - 1, 0, nx - 1]) for z in (0, nz - 1)]
    )
    low, high = corners.min(axis=0), corners.max(axis=0)
    counts = np.floor((high - low) / STEP_MM).astype(int) + 1
    origin = (low + high - (counts - 1) * STEP_MM) / 2
    grid = np.indices(tuple(counts[::-1])).reshape(3, -1).T
    fine = frame.to_index(origin + STEP_MM * grid[:, ::-1], float(volume.spacing_mm[0]))
    inside = np.all((fine >= -0.5) & (fine <= np.array(volume.hu.shape) - 0.5), axis=1)
    where = ((fine - (factors - 1) / 2) / factors)[inside].T
    shape = (int(counts[2]), int(counts[1]), int(counts[0]))
    images = []
    for window in (HEAD_WINDOW, BRAIN_WINDOW):
        values = np.full(len(grid), window[0], np.float32)
        blocks = _block_means(volume.hu, factors, window)
        values[inside] = ndimage.map_coordinates(blocks, where, order=1, mode="nearest")
        images.append(values.reshape(shape))
    head = _head(images[0])
    hu, brain = (
        np.where(head, image, np.float32(window[0]))
        for image, window in zip(images, (HEAD_WINDOW, BRAIN_WINDOW), strict=True)
    )
    return CoarseHead(hu, brain, inside.reshape(shape), head, origin)


def _block_size(volume: Volume) -> NDArray[np.intp]:
    """Voxels ``(z, y, x)`` that make about ``STEP_MM``."""
    wanted = np.round(STEP_MM / np.asarray(volume.spacing_mm, np.float64))
    return np.clip(wanted.astype(np.intp), 1, volume.hu.shape)


def _block_means(
    hu: FloatArray, factors: NDArray[np.intp], window: tuple[float, float]
) -> FloatArray:
    """Clip to ``window`` and average blocks of ``factors`` voxels, slice by slice."""
    fz, fy, fx = (int(f) for f in factors)
    rows, cols, groups = hu.shape[1] // fy, hu.shape[2] // fx, hu.shape[0] // fz
    planes = np.empty((groups * fz, rows, cols), np.float32)
    for z in range(len(planes)):
        clipped = np.clip(hu[z, : rows * fy, : cols * fx], *window)
        planes[z] = clipped.reshape(rows, fy, cols, fx).mean(axis=(1, 3))
    return np.asarray(planes.reshape(groups, fz, rows, cols).mean(axis=1), np.float32)


def _head(image: FloatArray) -> NDArray[np.bool_]:
    """The largest piece of tissue, filled slice by slice."""
    tissue = ndimage.binary_opening(image > HEAD_HU, np.ones((1, 3, 3), bool))
    labels, count = ndimage.label(tissue)
    if count == 0:
        return np.zeros(image.shape, bool)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    piece = labels == int(sizes.argmax())
    piece = ndimage.binary_dilation(piece, np.ones((1, 3, 3), bool)) & (image > HEAD_HU)
    return np.stack([ndimage.binary_fill_holes(plane) for plane in piece]).astype(bool)
