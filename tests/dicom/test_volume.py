from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from ich_cli.dicom.decode import decode
from ich_cli.dicom.discover import discover
from ich_cli.dicom.select import select
from ich_cli.dicom.volume import load_volume
from ich_cli.domain import NotAnalysable, Reason, Series, Volume
from tests.dicom.ct_files import ct_dataset, write, write_ct, write_stack


def only_series(folder: Path) -> Series:
    (series,) = discover([folder]).series
    return series


def load(folder: Path) -> Volume:
    volume = load_volume(only_series(folder))
    assert isinstance(volume, Volume), volume
    return volume


def refused(folder: Path) -> NotAnalysable:
    result = load_volume(only_series(folder))
    assert isinstance(result, NotAnalysable)
    return result


def test_slices_are_ordered_by_place_not_by_name_or_number(tmp_path):
    write_stack(tmp_path, [15, 0, 10, 5], hu=[3, 0, 2, 1], InstanceNumber=1)
    volume = load(tmp_path)
    assert volume.hu[:, 0, 0].tolist() == [0, 1, 2, 3]
    assert volume.positions_mm[:, 2].tolist() == [0, 5, 10, 15]
    assert volume.spacing_mm == (5.0, 0.5, 0.5)
    assert volume.hu.dtype == np.float32
    assert volume.flags == ()


def test_uids_follow_their_slices(tmp_path):
    write_stack(tmp_path, [5, 0])
    series = only_series(tmp_path)
    volume = load_volume(series)
    assert isinstance(volume, Volume)
    by_place = {item.position_mm[2]: item.sop_uid for item in series.instances}
    assert volume.sop_uids == (by_place[0.0], by_place[5.0])


def test_a_mirrored_and_turned_stack_is_put_upright(tmp_path):
    """Rows run to the right, columns to the front: both axes are flipped back."""
    stored = np.full((12, 16), 1024, np.int16)
    stored[0, 0] = 1124
    for index, z in enumerate((0, 5, 10)):
        write_ct(
            tmp_path / f"{index}.dcm",
            stored=stored,
            ImagePositionPatient=[50, 40, z],
            ImageOrientationPatient=[-1, 0, 0, 0, -1, 0],
        )
    volume = load(tmp_path)
    assert volume.hu[0, -1, -1] == 100
    assert volume.positions_mm[0].tolist() == [50 - 15 * 0.5, 40 - 11 * 0.5, 0]
    np.testing.assert_allclose((volume.affine @ [15, 11, 2, 1])[:3], [50, 40, 10])


def test_a_missing_slice_is_flagged_with_its_millimetres(tmp_path):
    write_stack(tmp_path, [0, 5, 10, 20, 25])
    volume = load(tmp_path)
    assert set(volume.flags) == {"gap", "uneven_spacing"}
    assert "10.0 mm between slices 3 and 4" in str(volume.notes[0])
    assert volume.slice_mm.tolist() == [5, 5, 7.5, 7.5, 5]


def test_a_gap_of_twelve_millimetres_is_not_analysable(tmp_path):
    write_stack(tmp_path, [0, 4, 8, 20, 24])
    result = refused(tmp_path)
    assert result.reason == Reason("gap", "12.0 mm between slices 3 and 4")
    assert len(result.skipped) == 5


def test_of_two_slices_at_one_place_one_is_used(tmp_path):
    write_stack(tmp_path, [0, 5, 5, 10])
    volume = load(tmp_path)
    assert volume.hu.shape[0] == 3
    assert "duplicates_dropped" in volume.flags
    assert [skip.reason.code for skip in volume.skipped] == ["same_place"]


def test_the_original_is_used_before_its_derived_copy(tmp_path):
    write_stack(tmp_path / "a", [0, 5], hu=[7, 7], ImageType=["DERIVED", "PRIMARY", "AXIAL"])
    write_stack(tmp_path / "b", [0, 5], hu=[3, 3])
    assert load(tmp_path).hu[:, 0, 0].tolist() == [3, 3]


def test_slices_at_one_place_are_not_stacked(tmp_path):
    write_stack(tmp_path, [7, 7, 7])
    assert refused(tmp_path).reason == Reason("one_position", "3 slices at one place")


def test_a_lone_slice_is_no_volume(tmp_path):
    write_stack(tmp_path, [0])
    assert refused(tmp_path).reason.code == "too_few_slices"


def test_one_undecodable_slice_of_many_costs_only_itself(tmp_path):
    files = write_stack(tmp_path, range(0, 60, 5))
    files[4].write_bytes(files[4].read_bytes()[:-20])
    volume = load(tmp_path)
    assert volume.hu.shape[0] == 11
    assert {"gap", "slices_lost"} <= set(volume.flags)
    assert volume.unseen_mm == 5.0
    assert [skip.reason.code for skip in volume.skipped] == ["truncated"]
    assert len(volume.used) + len(volume.skipped) == 12


def test_too_many_undecodable_slices_are_the_reason(tmp_path):
    files = write_stack(tmp_path, range(0, 60, 5))
    for file in files[:3]:
        file.write_bytes(file.read_bytes()[:-20])
    result = refused(tmp_path)
    assert result.reason.code == "truncated"
    assert "3 of 12 files" in result.reason.detail
    assert len(result.skipped) == 12


def test_a_sagittal_stack_of_thin_slices_is_turned_to_axial(tmp_path):
    for index in range(6):
        write_ct(
            tmp_path / f"{index}.dcm",
            stored=np.full((12, 16), 1024 + index, np.int16),
            ImagePositionPatient=[index * 1.0, 0, 100],
            ImageOrientationPatient=[0, 1, 0, 0, 0, -1],
        )
    volume = load(tmp_path)
    assert volume.hu.shape == (12, 16, 6)
    assert volume.hu[0, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert "turned_to_axial" in volume.flags
    assert volume.spacing_mm == (0.5, 0.5, 1.0)
    assert len(volume.sop_uids) == len(volume.slice_mm) == len(volume.positions_mm) == 12


def test_a_sagittal_stack_of_thick_slices_is_not_axial(tmp_path):
    for index in range(4):
        write_ct(
            tmp_path / f"{index}.dcm",
            ImagePositionPatient=[index * 5.0, 0, 0],
            ImageOrientationPatient=[0, 1, 0, 0, 0, -1],
        )
    assert refused(tmp_path).reason.code == "not_axial"


def enhanced_ct(heights: list[float], **changes) -> Dataset:
    stored = np.stack([np.full((12, 16), 1000 + index, np.uint16) for index in range(len(heights))])
    ds = ct_dataset(
        stored=stored,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.2.1",
        NumberOfFrames=len(heights),
        ImagePositionPatient=None,
        ImageOrientationPatient=None,
        PixelSpacing=None,
        SliceThickness=None,
        RescaleSlope=None,
        RescaleIntercept=None,
        **changes,
    )
    measures, direction, scale = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0.5, 0.5], 5.0
    direction.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    scale.RescaleSlope, scale.RescaleIntercept = 1, -1000
    shared = Dataset()
    shared.PixelMeasuresSequence = Sequence([measures])
    shared.PlaneOrientationSequence = Sequence([direction])
    shared.PixelValueTransformationSequence = Sequence([scale])
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for height in heights:
        place, own = Dataset(), Dataset()
        place.ImagePositionPatient = [0, 0, height]
        own.PlanePositionSequence = Sequence([place])
        frames.append(own)
    ds.PerFrameFunctionalGroupsSequence = Sequence(frames)
    return ds


def test_an_enhanced_multiframe_ct_is_read_the_same_way(tmp_path):
    write(enhanced_ct([10, 0, 5]), tmp_path / "a.dcm")
    volume = load(tmp_path)
    assert volume.hu[:, 0, 0].tolist() == [1, 2, 0]
    assert volume.spacing_mm == (5.0, 0.5, 0.5)
    assert volume.slice_thickness_mm == 5.0
    assert len(volume.used) == 1
    assert len(set(volume.sop_uids)) == 1


def without_a_place(ds: Dataset, *numbers: int) -> Dataset:
    for number in numbers:
        del ds.PerFrameFunctionalGroupsSequence[number].PlanePositionSequence
    return ds


def test_frames_that_do_not_say_where_they_lie_are_lost_slices(tmp_path):
    write(without_a_place(enhanced_ct([5.0 * n for n in range(20)]), 7, 19), tmp_path / "a.dcm")
    volume = load(tmp_path)
    assert volume.hu[:, 0, 0].tolist() == [n for n in range(19) if n != 7]
    assert set(volume.flags) == {"gap", "uneven_spacing", "slices_lost"}
    assert Reason("slices_lost", "2 could not be used") in volume.notes
    assert volume.unseen_mm == 5.0


def test_too_many_frames_without_a_place_are_the_reason(tmp_path):
    write(without_a_place(enhanced_ct([5.0 * n for n in range(20)]), 7, 8, 9), tmp_path / "a.dcm")
    reason = refused(tmp_path).reason
    assert reason == Reason("no_geometry", "3 of 20 frames do not say where they lie")


def test_a_frame_that_lies_across_the_others_costs_only_itself(tmp_path):
    ds = enhanced_ct([5.0 * n for n in range(20)])
    across = Dataset()
    across.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    ds.PerFrameFunctionalGroupsSequence[19].PlaneOrientationSequence = Sequence([across])
    write(ds, tmp_path / "a.dcm")
    volume = load(tmp_path)
    assert len(volume.hu) == 19
    assert volume.flags == ("slices_lost",)


def test_the_selection_knows_how_far_the_frames_reach(tmp_path):
    write(enhanced_ct([5.0 * n for n in range(30)]), tmp_path / "head.dcm")
    (candidate,) = select(discover([tmp_path]).series).candidates
    assert candidate.decision["n_slices"] == 30
    assert candidate.decision["coverage_mm"] == 145
    assert candidate.decision["step_mm"] == 5


def test_an_enhanced_perfusion_run_is_known_by_its_time_points(tmp_path):
    ds = enhanced_ct([5.0 * (n % 20) for n in range(80)])
    for n, frame in enumerate(ds.PerFrameFunctionalGroupsSequence):
        frame.FrameContentSequence = Sequence([Dataset()])
        frame.FrameContentSequence[0].TemporalPositionIndex = n // 20 + 1
    write(ds, tmp_path / "a.dcm")
    (rejected,) = select(discover([tmp_path]).series).rejected
    assert rejected.reason.code == "perfusion"


def test_another_decoder_may_do_the_work(tmp_path):
    write_stack(tmp_path, [0, 5])
    asked = []

    def remember(ref):
        asked.append(ref)
        return decode(ref)

    assert isinstance(load_volume(only_series(tmp_path), remember), Volume)
    assert len(asked) == 2


def test_series_without_geometry_name_what_is_missing(tmp_path):
    write_stack(tmp_path, [0, 5], ImageOrientationPatient=None)
    assert refused(tmp_path).reason.code == "no_geometry"


@pytest.mark.parametrize(
    "folder",
    ["rsna_volume", "rsna_scans/ID_462abff7", "rsna_scans/ID_62081dd1", "rsna_scans/ID_21cbc42c"],
)
def test_the_order_of_real_scans_is_the_readers(shared_data, folder):
    """One with slices at one place, one with a gap, one with steps of 1 to 5 mm."""
    (series,) = discover([shared_data / folder]).series
    volume = load_volume(series)
    assert isinstance(volume, Volume)
    table = "rsna_volume_labels.csv" if folder == "rsna_volume" else "rsna_scans/labels.csv"
    with (shared_data / table).open() as lines:
        rows = [row for row in csv.DictReader(lines) if row["patient"] == series.first.patient_id]
    by_index = sorted(rows, key=lambda row: int(row["index"]))
    names = [Path(row["file"]).stem for row in by_index]
    assert list(volume.sop_uids) == [name for name in names if name in volume.sop_uids]
    assert len(volume.used) + len(volume.skipped) == len(rows)


def test_the_reference_volume_has_its_tilt(shared_data):
    volume = load(shared_data / "rsna_volume")
    assert volume.hu.shape == (36, 512, 512)
    assert volume.tilt_deg == pytest.approx(8.0, abs=0.1)
    assert volume.spacing_mm[0] == pytest.approx(5.0, abs=0.01)
    assert {"tilt", "padding_masked"} <= set(volume.flags)


@pytest.mark.parametrize(
    ("folder", "tilt", "notes"),
    [
        ("tilted", 14.0, []),
        ("uneven_spacing_a", 0.0, ["gap", "uneven_spacing"]),
        ("uneven_spacing_b", 15.5, ["gap", "uneven_spacing"]),
    ],
)
def test_odd_geometry_is_named(shared_data, folder, tilt, notes):
    volume = load(shared_data / "dicom_edge" / folder)
    assert volume.tilt_deg == pytest.approx(tilt, abs=0.1)
    assert [note.code for note in volume.notes] == notes


def test_every_lossless_encoding_gives_the_same_hounsfield_units(shared_data):
    from ich_cli.dicom.hu import Hounsfield, to_hounsfield
    from ich_cli.domain import FileRef

    results = {}
    for file in sorted((shared_data / "dicom_edge" / "chest_encodings").iterdir()):
        pixels = decode(FileRef(file))
        assert not isinstance(pixels, Reason), (file.name, pixels)
        scaled = to_hounsfield(pixels)
        if isinstance(scaled, Hounsfield):
            results[file.stem] = scaled.hu
    lossy = {"JPEG2000", "JPEGLSLossy", "JPEGProcess2_4", "JPEGProcess6_8", "JPEGProcess10_12"}
    original = results["original"]
    assert len(results) == 15, "all but the 8-bit one, whose grey levels are 32 HU"
    for name, hu in results.items():
        if name in lossy:
            assert np.abs(hu - original).mean() < 6, name
        else:
            np.testing.assert_array_equal(hu, original, err_msg=name)
