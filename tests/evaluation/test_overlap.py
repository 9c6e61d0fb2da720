"""Masks that a scan wrote against masks of a data set, both as NIfTI files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from ich_cli.domain import Interval
from ich_cli.errors import UsageError
from ich_cli.evaluation.layouts import load_labels
from ich_cli.evaluation.match import Matched, match
from ich_cli.evaluation.overlap import overlap_tables
from ich_cli.evaluation.results import load_results
from tests.evaluation.simulated import simulate, write_results


def _write(path: Path, labels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(labels.astype(np.uint8)), str(path))


def _block(value: int, x: int) -> np.ndarray:
    labels = np.zeros((4, 20, 20))
    labels[1:3, 5:15, x : x + 10] = value
    return labels


@pytest.fixture
def matched(tmp_path: Path) -> Matched:
    """Three scans; the truths lie two voxels beside, exactly on, and nowhere near."""
    sim = simulate(3)
    scans = load_results(write_results(sim, tmp_path / "results.json"))
    for scan, said, truth in zip(scans, (4, 5, None), (6, 5, 5), strict=True):
        _write(tmp_path / "truth" / f"{scan.study_uid}.nii.gz", _block(2, truth))
        if said is not None:
            _write(tmp_path / "masks" / f"{scan.file_stem}.nii.gz", _block(2, said))
    return match(scans, load_labels(tmp_path / "truth"))


def test_overlap_by_hand(matched: Matched, tmp_path: Path) -> None:
    (table,) = overlap_tables(matched.scans, tmp_path / "masks")
    rows = {row[0]: row for row in table.rows}
    assert set(rows) == {"any", "IPH"}
    count, dice, iou, pointing = rows["IPH"][1:]
    assert count == 3
    assert isinstance(dice, Interval)
    assert dice.value == pytest.approx((0.8 + 1.0 + 0.0) / 3)
    assert isinstance(iou, Interval)
    assert iou.value == pytest.approx((8 / 12 + 1.0 + 0.0) / 3)
    assert isinstance(pointing, Interval)
    assert pointing.value == pytest.approx(2 / 3)


def test_a_truth_without_masks_makes_no_table(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    assert overlap_tables((), tmp_path / "masks") == ()
    with pytest.raises(UsageError, match="scan with --masks nifti"):
        overlap_tables((), tmp_path / "none")


def test_masks_on_another_grid_are_refused(matched: Matched, tmp_path: Path) -> None:
    stem = matched.scans[0].scan.file_stem
    _write(tmp_path / "masks" / f"{stem}.nii.gz", np.zeros((2, 8, 8)))
    with pytest.raises(UsageError, match="not on one grid"):
        overlap_tables(matched.scans, tmp_path / "masks")
