"""Predicted against true masks of whole scans: Dice, IoU, pointing, by subtype."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ich_cli.domain import SUBTYPES, Interval
from ich_cli.errors import UsageError
from ich_cli.evaluation.bootstrap import clustered_bootstrap
from ich_cli.evaluation.cases import analysed
from ich_cli.evaluation.location import dice, iou
from ich_cli.evaluation.match import ScanCase
from ich_cli.evaluation.nifti_masks import read_label_volume
from ich_cli.evaluation.tables import Cell, Table

MASK_SUFFIXES = (".nii.gz", ".nii")


def overlap_tables(cases: Sequence[ScanCase], folder: Path) -> tuple[Table, ...]:
    """Overlap of the masks in ``folder`` with those of the labels; empty without the latter.

    A predicted mask is found by the name that the scan gave it, by series or study UID, or by
    the name of the true mask.

    Raises:
        UsageError: No such folder, or a mask that cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(f"no folder of predicted masks at {folder}; scan with --masks nifti")
    pairs = list(_pairs(cases, folder))
    if not pairs:
        return ()
    return (overlap_table(pairs),)


def overlap_table(
    pairs: Sequence[tuple[str, NDArray[np.uint8], NDArray[np.uint8], bool]],
) -> Table:
    """Mean Dice, IoU and centroid hits over scans with true blood.

    Args:
        pairs: (patient, predicted, true, binary) label volumes on one grid; ``binary``
            truths say nothing of subtypes.
    """
    rows: list[tuple[Cell, ...]] = []
    for number, label in enumerate(("any", *(s.value for s in SUBTYPES))):
        overlaps, unions, hits, patients = [], [], [], []
        for patient, predicted, truth, binary in pairs:
            if number and binary:
                continue
            a, b = (
                (predicted > 0, truth > 0)
                if number == 0
                else (predicted == number, truth == number)
            )
            if not b.any():
                continue
            patients.append(patient)
            overlaps.append(dice(a, b) or 0.0)
            unions.append(iou(a, b) or 0.0)
            hits.append(float(_main_slice_hit(a, b)))
        if patients:
            rows.append(
                (
                    label,
                    len(patients),
                    *(_mean(values, patients) for values in (overlaps, unions, hits)),
                )
            )
    note = (
        "Scans with true blood of the label. Pointing: the deepest point of the predicted mask's "
        "largest slice lies in the true one."
    )
    return Table(
        "Overlap with true masks", ("label", "n", "Dice", "IoU", "pointing"), tuple(rows), note
    )


def _mean(values: Sequence[float], patients: Sequence[str]) -> Interval | None:
    array = np.asarray(values)
    return clustered_bootstrap(lambda index: float(array[index].mean()), patients)


def _main_slice_hit(predicted: NDArray[np.bool_], truth: NDArray[np.bool_]) -> bool:
    """Pointing game of a hard mask: its voxel deepest inside itself, on its largest slice."""
    from scipy.ndimage import distance_transform_edt

    if not predicted.any():
        return False
    plane = int(predicted.sum(axis=(1, 2)).argmax())
    depth = distance_transform_edt(np.pad(predicted[plane], 1))[1:-1, 1:-1]
    return bool(truth[plane].flat[int(depth.argmax())])


def _pairs(
    cases: Sequence[ScanCase], folder: Path
) -> Iterator[tuple[str, NDArray[np.uint8], NDArray[np.uint8], bool]]:
    for case in analysed(cases):
        if case.truth.mask is None:
            continue
        path = _predicted(case, folder)
        truth = read_label_volume(case.truth.mask).labels
        predicted = np.zeros_like(truth) if path is None else read_label_volume(path).labels
        if predicted.shape != truth.shape:
            raise UsageError(f"{path} and {case.truth.mask} are not on one grid")
        binary = case.truth.present.get("EDH") is None
        yield case.scan.patient, predicted, truth, binary


def _predicted(case: ScanCase, folder: Path) -> Path | None:
    for name in (case.scan.file_stem, case.scan.series_uid, case.scan.study_uid, case.truth.id):
        for suffix in MASK_SUFFIXES:
            for path in (folder / f"{name}{suffix}", folder / name / f"mask{suffix}"):
                if path.is_file():
                    return path
    return None
