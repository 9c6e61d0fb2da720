"""The label volume lies where the blood lies, in any viewer that reads LPS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from ich_cli.domain import Subtype
from ich_cli.errors import OutputError
from ich_cli.findings.geometry import SliceFrame
from ich_cli.reports.volumes import upright, write_label_volume
from tests.findings.heads import AXIS_CODES, Ball, Scan, scan_head

BALL = Ball(Subtype.IPH, (25.0, 10.0, 15.0), (18.0, 14.0, 16.0))
UNEVEN = (*np.arange(-60, 0, 2.5), *np.arange(0, 61, 5.0))


def at(image: SimpleITK.Image, point: np.ndarray) -> int:
    index = image.TransformPhysicalPointToIndex(point.tolist())
    inside = all(0 <= i < n for i, n in zip(index, image.GetSize(), strict=True))
    return int(image[index]) if inside else 0


@pytest.mark.parametrize("kind", ["nifti", "nrrd"])
@pytest.mark.parametrize(
    "scan",
    [
        Scan(balls=[BALL], size=(30, 60, 60), spacing_mm=(5, 4, 4)),
        Scan(balls=[BALL], size=(30, 60, 60), spacing_mm=(5, 4, 4), tilt_deg=17),
        Scan(balls=[BALL], size=(30, 60, 60), spacing_mm=(5, 4, 4), depths_mm=UNEVEN),
        Scan(balls=[BALL], size=(30, 60, 60), spacing_mm=(5, 4, 3), axes=AXIS_CODES[21]),
    ],
    ids=["plain", "tilted", "uneven", "stored otherwise"],
)
def test_every_voxel_of_blood_is_found_at_its_own_millimetres(scan, kind, tmp_path: Path) -> None:
    volume, truth = scan_head(scan)
    image = SimpleITK.ReadImage(str(write_label_volume(volume, truth, tmp_path / "scan", kind)))
    z, y, x = np.nonzero(truth)
    inner = truth[np.clip(z, 1, len(truth) - 2), np.clip(y - 1, 0, None), x] > 0
    inner &= truth[z, np.clip(y + 1, None, truth.shape[1] - 1), x] > 0
    points = SliceFrame.of(volume).to_lps(z[inner], y[inner], x[inner])
    hits = [at(image, p) == 2 for p in points[::7]]
    assert np.mean(hits) > 0.99
    array = SimpleITK.GetArrayFromImage(image)
    written_ml = float((array > 0).sum() * np.prod(image.GetSpacing()) / 1000)
    own_ml = float(volume.voxel_ml @ (truth > 0).sum(axis=(1, 2)))
    assert written_ml == pytest.approx(own_ml, rel=0.03)
    centroid = np.argwhere(array > 0).mean(axis=0)[::-1]
    placed = image.TransformContinuousIndexToPhysicalPoint(centroid.tolist())
    assert placed == pytest.approx(BALL.centre, abs=1.5)


def test_an_even_upright_scan_keeps_its_own_grid() -> None:
    volume, truth = scan_head(Scan(balls=[BALL], size=(20, 40, 50), spacing_mm=(5, 5, 4)))
    grid = upright(volume, truth)
    assert np.array_equal(grid.labels, truth)
    assert grid.origin_mm == pytest.approx(volume.positions_mm[0])
    assert grid.spacing_mm == pytest.approx((4, 5, 5))


def test_a_scan_without_blood_and_a_lone_slice_are_written_too(tmp_path: Path) -> None:
    volume, _ = scan_head(Scan(size=(1, 30, 30), spacing_mm=(5, 6, 6)))
    path = write_label_volume(volume, None, tmp_path / "one")
    assert path.name == "one.nii.gz"
    array = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    assert array.shape == (1, 30, 30)
    assert not array.any()


def test_a_folder_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    volume, truth = scan_head(Scan(size=(2, 30, 30), spacing_mm=(5, 6, 6)))
    with pytest.raises(OutputError):
        write_label_volume(volume, truth, tmp_path / "nowhere" / "scan")
