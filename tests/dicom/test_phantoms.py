"""From files to a judged volume on heads whose bleeds are known."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from ich_cli.dicom.discover import discover
from ich_cli.dicom.plausibility import judge_pixels
from ich_cli.dicom.select import select
from ich_cli.dicom.volume import load_volume
from ich_cli.domain import Side, Subtype, Volume
from ich_cli.phantom.spec import Bleed, Compression, Orientation, PhantomSpec
from ich_cli.phantom.study import write_study

SMALL = {"matrix": 128, "spacing_mm": (5.0,), "noise_hu": 2.0}


def scanned(folder: Path) -> Volume:
    (candidate,) = select(discover([folder]).series).candidates
    volume = load_volume(candidate.series)
    assert isinstance(volume, Volume), volume
    assert judge_pixels(volume, candidate.series) is None
    return volume


def largest(mask: np.ndarray) -> np.ndarray:
    labels, _ = ndimage.label(mask)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return labels == sizes.argmax()


@pytest.mark.parametrize(
    "changes",
    [
        {"tilt_deg": 15.0, "orientation": Orientation.FFS, "compression": Compression.JPEG_2000},
        {"tilt_deg": -20.0, "mirror": True, "compression": Compression.DEFLATED},
        {"orientation": Orientation.HFP, "mirror": True, "spacing_mm": (2.5, 5.0)},
    ],
    ids=["feet first", "mirrored", "prone"],
)
def test_a_bleed_is_on_the_patients_side_and_keeps_its_millilitres(tmp_path, changes):
    bleed = Bleed(Subtype.IPH, ml=40, side=Side.LEFT)
    spec = PhantomSpec(seed=3, bleeds=(bleed,), **(SMALL | changes))
    truth = write_study(spec, tmp_path)
    volume = scanned(truth.folder)
    blood = largest(ndimage.binary_opening((volume.hu > 56) & (volume.hu < 95)))
    assert np.nonzero(blood)[2].mean() > blood.shape[2] / 2, "x rises to the patient's left"
    ml = float((blood.sum(axis=(1, 2)) * volume.voxel_ml).sum())
    assert ml == pytest.approx(sum(row.ml for row in truth.rows), rel=0.15)
    assert volume.tilt_deg == pytest.approx(spec.tilt_deg, abs=0.1)


def test_bone_series_and_scout_are_left_aside(tmp_path):
    spec = PhantomSpec(seed=1, localizer=True, bone_series=True, **SMALL)
    truth = write_study(spec, tmp_path)
    selection = select(discover([tmp_path]).series)
    assert [entry.series.series_uid for entry in selection.candidates] == [truth.series_uid]
    assert sorted(entry.reason.code for entry in selection.rejected) == ["bone_kernel", "localizer"]


def test_a_zipped_study_is_the_same_study(tmp_path):
    truth = write_study(PhantomSpec(seed=2, **SMALL), tmp_path)
    shutil.make_archive(str(tmp_path / "study"), "zip", truth.folder)
    np.testing.assert_array_equal(scanned(tmp_path / "study.zip").hu, scanned(truth.folder).hu)
