"""Whole-head label maps (SynthSeg, Apache-2.0: 1 mm, FreeSurfer values, skull and skin)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

HELD_OUT = 6
"""So many maps, the last by name, no template and no training is made from: benchmarks use them."""

PAIRS = ((2, 41), (3, 42), (4, 43), (5, 44), (7, 46), (8, 47), (10, 49), (11, 50), (12, 51),
         (13, 52), (17, 53), (18, 54), (26, 58), (28, 60), (25, 57), (30, 62), (136, 163),
         (137, 164))  # fmt: skip
"""Values of one structure on the left and on the right."""

HU = {0: -1000, 24: 6, 2: 28, 41: 28, 3: 36, 42: 36, 4: 5, 43: 5, 14: 5, 15: 5, 506: 10, 507: -20,
      511: 20, 515: 800, 516: 400, 514: 45, 530: -80}  # fmt: skip
"""Plain HU of a value, for a template; :mod:`training.simulation.tissue` has real textures."""

SOFT_HU = 34


@dataclass(frozen=True)
class LabelMap:
    """One head: ``(z, y, x)`` FreeSurfer labels on LPS axes and the LPS of voxel 0."""

    labels: NDArray[np.int16]
    origin_mm: NDArray[np.float64]

    def mirrored(self) -> LabelMap:
        """The same head with left and right exchanged, in array and in labels."""
        swap = np.arange(1000, dtype=np.int16)
        for left, right in PAIRS:
            swap[left], swap[right] = right, left
        width = self.labels.shape[2] - 1
        origin = self.origin_mm * [-1, 1, 1] - [width, 0, 0]
        return LabelMap(np.ascontiguousarray(swap[self.labels][:, :, ::-1]), origin)


def usable(folder: Path) -> list[Path]:
    """Label maps below ``folder`` to build the template and to simulate training scans from."""
    return _every(folder)[:-HELD_OUT]


def held_out(folder: Path) -> list[Path]:
    """Label maps below ``folder`` that only benchmarks use."""
    return _every(folder)[-HELD_OUT:]


def _every(folder: Path) -> list[Path]:
    return sorted(folder.glob("training_seg_*.nii.gz"))


def load_label_map(path: Path) -> LabelMap:
    """Read a NIfTI label map onto LPS axes."""
    image = nib.as_closest_canonical(nib.load(path))
    data = np.asarray(image.dataobj).astype(np.int16)
    corner = image.affine @ np.array([data.shape[0] - 1, data.shape[1] - 1, 0, 1.0])
    # RAS to LPS: flip the first two axes and their signs.
    array = np.ascontiguousarray(data[::-1, ::-1, :].transpose(2, 1, 0))
    return LabelMap(array, np.array([-corner[0], -corner[1], corner[2]]))


def hounsfield(labels: NDArray[np.int16]) -> NDArray[np.float32]:
    """Plain HU of labels."""
    table = np.full(1000, SOFT_HU, np.float32)
    for value, hu in HU.items():
        table[value] = hu
    return table[labels]
