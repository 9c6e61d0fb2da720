"""BHSD and INSTANCE: a folder of NIfTI label volumes, named as the images are.

BHSD numbers EDH 1, IPH 2, IVH 3, SAH 4, SDH 5 (Wu 2023); a set whose masks hold
nothing but 0 and 1, such as INSTANCE 2022, marks blood of any kind, so that its subtypes
stay unknown. ``labels.csv`` is not needed: presence, mL and slice labels follow from the
masks. The side stays unknown.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ich_cli.domain import LABELS, SUBTYPES
from ich_cli.errors import UsageError
from ich_cli.evaluation.labels import LabelSet, Truth, complete
from ich_cli.evaluation.nifti_masks import LabelVolume, nifti_stem, read_label_volume

SUFFIXES = (".nii", ".nii.gz")
MASK_FOLDERS = ("ground truths", "ground_truths", "masks", "labels", "label", "labelsTr")


def matches(path: Path) -> bool:
    """A folder with NIfTI files, or one with a sub-folder of masks."""
    return path.is_dir() and bool(_files(path))


def read(path: Path) -> LabelSet:
    """Truth of every mask.

    Raises:
        UsageError: No masks, a file that is no NIfTI, or values other than 0…5.
    """
    files = _files(path)
    if not files:
        raise UsageError(f"{path} holds no .nii or .nii.gz masks")
    volumes = {file: read_label_volume(file) for file in files}
    highest = max(int(volume.labels.max(initial=0)) for volume in volumes.values())
    if highest > len(SUBTYPES):
        raise UsageError(f"{path}: a mask holds the value {highest}; 0 to 5 are known")
    binary = highest <= 1
    scans, slices = {}, {}
    for file, volume in volumes.items():
        stem = nifti_stem(file)
        scans[stem] = _scan_truth(stem, file, volume, binary)
        for k in range(volume.labels.shape[0]):
            key = f"{stem}:{volume.file_slice[k] + 1}"
            slices[key] = Truth(key, _present(volume.labels[k], binary))
    note = ("masks are binary: subtypes are unknown",) if binary else ()
    return LabelSet("masks", scans=scans, slices=slices, notes=note)


def _files(path: Path) -> list[Path]:
    for folder in (path, *(path / name for name in MASK_FOLDERS)):
        if folder.is_dir():
            found = sorted(f for f in folder.iterdir() if f.name.endswith(SUFFIXES))
            if found:
                return found
    return []


def _scan_truth(stem: str, file: Path, volume: LabelVolume, binary: bool) -> Truth:
    ml: dict[str, float | None] = {"total": float((volume.labels > 0).sum()) * volume.voxel_ml}
    if not binary:
        for number, subtype in enumerate(SUBTYPES, start=1):
            ml[subtype.value] = float((volume.labels == number).sum()) * volume.voxel_ml
    return Truth(stem, _present(volume.labels, binary), ml=ml, mask=file)


def _present(labels: NDArray[np.uint8], binary: bool) -> dict[str, bool | None]:
    blood = bool((labels > 0).any())
    if binary:
        return complete({"any": blood})
    subtypes = {s.value: bool((labels == k).any()) for k, s in enumerate(SUBTYPES, start=1)}
    return {label: {"any": blood, **subtypes}[label] for label in LABELS}
