"""A NIfTI file becomes the volume that the same patient's DICOM would."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from ich_cli.dicom.discover import discover
from ich_cli.dicom.nifti import is_nifti, load_nifti, read_nifti_header, stem
from ich_cli.dicom.rules import SelectionRules
from ich_cli.dicom.select import select
from ich_cli.dicom.volume import load_volume
from ich_cli.domain import FileRef, Instance, NotAnalysable, Reason, Volume

SHAPE = (6, 32, 24)  # z, y, x


def _write(
    path: Path, array: np.ndarray, direction: tuple[float, ...] | None = None, step: float = 5.0
) -> FileRef:
    image = SimpleITK.GetImageFromArray(array)
    image.SetSpacing((0.5, 0.6, step))
    image.SetOrigin((-10.0, -20.0, 30.0))
    if direction:
        image.SetDirection(direction)
    SimpleITK.WriteImage(image, str(path))
    return FileRef(path)


def _head() -> np.ndarray:
    """Every voxel tells where it is: + 1 a column, + 100 a slice."""
    z, _, x = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    return (x + 100 * z).astype(np.int16)


def _load(ref: FileRef) -> Volume:
    volume = load_nifti(ref)
    assert isinstance(volume, Volume)
    return volume


def test_axes_spacing_and_places(tmp_path: Path) -> None:
    volume = _load(_write(tmp_path / "a.nii.gz", _head()))
    assert np.array_equal(volume.hu, _head())
    assert volume.spacing_mm == pytest.approx((5.0, 0.6, 0.5))
    assert volume.positions_mm[2] == pytest.approx([-10, -20, 40])
    assert volume.affine @ [2, 1, 1, 1] == pytest.approx([-9.0, -19.4, 35.0, 1.0])
    assert volume.sop_uids[0] == "a:1"
    assert volume.slice_mm.sum() == 30


def test_a_file_from_vertex_to_base_and_right_to_left(tmp_path: Path) -> None:
    turned = (-1.0, 0, 0, 0, 1.0, 0, 0, 0, -1.0)
    volume = _load(_write(tmp_path / "b.nii", _head(), turned))
    assert np.array_equal(volume.hu, _head()[::-1, :, ::-1])
    assert volume.sop_uids == tuple(f"b:{k}" for k in range(6, 0, -1))
    assert volume.positions_mm[0, 2] == pytest.approx(30 - 25)


def test_a_tilted_volume_keeps_its_tilt(tmp_path: Path) -> None:
    c, s = np.cos(np.radians(12)), np.sin(np.radians(12))
    volume = _load(_write(tmp_path / "c.nii", _head(), (1.0, 0, 0, 0, c, -s, 0, s, c)))
    assert abs(volume.tilt_deg) == pytest.approx(12, abs=0.1)
    assert "tilt" in volume.flags


def test_header_says_what_selection_asks_for(tmp_path: Path) -> None:
    header = read_nifti_header(_write(tmp_path / "049.nii", _head()))
    assert isinstance(header, Instance)
    assert (header.series_uid, header.modality, header.frames) == ("049", "CT", 6)
    assert (header.rows, header.columns) == (32, 24)
    assert float(header.tags["FrameCoverage"]) == 25


def test_impossible_values_are_clamped_and_told(tmp_path: Path) -> None:
    values = _head().astype(np.float32)
    values[0, 0, 0], values[0, 0, 1] = 9000, np.nan
    volume = _load(_write(tmp_path / "d.nii.gz", values))
    assert volume.hu.max() == 3071
    assert "hu_clamped" in volume.flags
    assert np.isfinite(volume.hu).all()


def test_slices_as_far_apart_as_dicom_must_not_be_are_refused(tmp_path: Path) -> None:
    refused = load_nifti(_write(tmp_path / "far.nii", _head(), step=15.0))
    assert isinstance(refused, NotAnalysable)
    assert refused.reason == Reason("gap", "15.0 mm between slices")
    assert _load(_write(tmp_path / "near.nii", _head(), step=11.9)).hu.shape == SHAPE


def test_damaged_files_are_reasons(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(-1000, 1000, SHAPE).astype(np.int16)
    for name in ("e.nii.gz", "e.nii"):
        ref = _write(tmp_path / name, noise)
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
        assert isinstance(load_nifti(ref), NotAnalysable), name
    four = SimpleITK.JoinSeries([SimpleITK.GetImageFromArray(_head())] * 2)
    SimpleITK.WriteImage(four, str(tmp_path / "g.nii"))
    reason = read_nifti_header(FileRef(tmp_path / "g.nii"))
    assert isinstance(reason, Reason)
    assert reason.code == "not_image"


@pytest.mark.parametrize("name", ["head.nii", "head.nii.gz"])
@pytest.mark.parametrize("content", [b"", b"not a nifti", b"\x1f\x8b broken"])
def test_a_file_that_cannot_be_read_has_a_row_of_its_own(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    _write(tmp_path / "good.nii", np.full((30, 32, 24), 40, np.int16))
    selection = select(discover([tmp_path]).series)
    assert [one.series.series_uid for one in selection.candidates] == ["good"]
    (rejected,) = selection.rejected
    assert (rejected.series.series_uid, rejected.not_analysable) == ("head", True)
    assert rejected.reason == Reason("broken_header", "not a readable NIfTI header")


def test_an_unread_file_that_was_not_asked_for_has_none(tmp_path: Path) -> None:
    (tmp_path / "head.nii").write_bytes(b"not a nifti")
    series = discover([tmp_path]).series
    (rejected,) = select(series, SelectionRules(series_uid=("other",))).rejected
    assert (rejected.reason.code, rejected.not_analysable) == ("not_included", False)
    (asked,) = select(series, SelectionRules(series_uid=("head",))).candidates
    refused = load_volume(asked.series)
    assert isinstance(refused, NotAnalysable)
    assert refused.reason.code == "broken_header"


def test_hidden_files_are_no_scans(tmp_path: Path) -> None:
    """As macOS leaves one beside every file on a foreign disk."""
    (tmp_path / "._head.nii.gz").write_bytes(b"\0\5\x16\7 Mac OS X")
    found = discover([tmp_path])
    assert found.series == ()
    assert [skip.reason.code for skip in found.skipped] == ["broken_header"]


def test_names(tmp_path: Path) -> None:
    assert is_nifti(FileRef(Path("a.NII.GZ")))
    assert not is_nifti(FileRef(Path("a.nii"), member="x"))
    assert not is_nifti(FileRef(Path("a.dcm")))
    assert stem(Path("x/BHSD_001.nii.gz")) == "BHSD_001"


def test_files_of_one_name_in_many_folders_are_studies_of_their_own(tmp_path: Path) -> None:
    head = np.full((30, 32, 24), 40, np.int16)
    folders = ["sub-01", "sub-02", "a/sub-03/ct", "b/sub-03/ct"]
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
        _write(tmp_path / folder / "ct.nii.gz", head)
    found = discover([tmp_path])
    assert found.skipped == ()
    chosen = [candidate.series for candidate in select(found.series).candidates]
    assert Counter(series.study_uid for series in chosen) == {
        f"{tmp_path.name}/sub-01/ct": 1,
        f"{tmp_path.name}/sub-02/ct": 1,
        "sub-03/ct/ct": 2,
    }, "where the names of two folders are not enough, the part tells"
    assert len({(series.study_uid, series.series_uid, series.part) for series in chosen}) == 4
    assert {series.series_uid for series in chosen} == {"ct"}, "as label tables name them"
