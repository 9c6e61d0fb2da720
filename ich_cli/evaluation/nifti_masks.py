"""Label volumes in NIfTI, turned to the axes of :mod:`ich_cli.domain`."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ich_cli.errors import UsageError


@dataclass(frozen=True, slots=True)
class LabelVolume:
    """Labels ``(z, y, x)``, LPS index order, with what is needed to measure and to match.

    Attributes:
        labels: uint8.
        voxel_ml: Millilitres of a voxel.
        file_slice: ``(z,)`` the slice's index in the file's own third axis, from 0.
    """

    labels: NDArray[np.uint8]
    voxel_ml: float
    file_slice: tuple[int, ...]


def nifti_stem(path: Path) -> str:
    """The name without ``.nii`` or ``.nii.gz``."""
    return path.name.removesuffix(".gz").removesuffix(".nii")


def read_label_volume(path: Path) -> LabelVolume:
    """Read a NIfTI mask.

    Raises:
        UsageError: It cannot be read, is not three-dimensional, or holds no label numbers.
    """
    sitk: Any = importlib.import_module("SimpleITK")
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError:
        raise UsageError(f"cannot read {path} as NIfTI; is the file complete?") from None
    if image.GetDimension() != 3:
        raise UsageError(f"{path} is not a three-dimensional volume")
    rising = _third_axis_rises(image.GetDirection())
    oriented = sitk.DICOMOrient(image, "LPS")
    raw = sitk.GetArrayFromImage(oriented)
    if raw.min() < 0 or raw.max() > 255 or not np.array_equal(raw, np.round(raw)):
        raise UsageError(f"{path} is not a label volume; its values must be 0 to 5")
    depth = raw.shape[0]
    order = tuple(range(depth)) if rising else tuple(range(depth - 1, -1, -1))
    spacing = oriented.GetSpacing()
    return LabelVolume(raw.astype(np.uint8), float(np.prod(spacing)) / 1000.0, order)


def _third_axis_rises(direction: tuple[float, ...]) -> bool:
    """Whether the file's third axis points to the head's top."""
    return direction[8] >= 0
