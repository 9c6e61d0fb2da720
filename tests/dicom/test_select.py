from __future__ import annotations

import json
from pathlib import Path

import pytest

from ich_cli.dicom.discover import discover
from ich_cli.dicom.rules import SelectionRules
from ich_cli.dicom.select import Selection, select
from ich_cli.dicom.volume import load_volume
from ich_cli.domain import FileRef, Instance, NotAnalysable, Series
from tests.dicom.ct_files import instance, series

SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)


def chosen(selection: Selection) -> list[str]:
    return [candidate.series.series_uid for candidate in selection.candidates]


def reasons(selection: Selection) -> dict[str, str]:
    return {entry.series.series_uid: entry.reason.code for entry in selection.rejected}


def rows(selection: Selection) -> dict[str, str]:
    return {
        entry.series.series_uid: entry.reason.code
        for entry in selection.rejected
        if entry.not_analysable
    }


def test_the_one_plain_axial_series_is_chosen():
    assert chosen(select([series("a")])) == ["a"]


def test_stripped_headers_do_not_hinder():
    bare = series("a", kvp=None, slice_thickness_mm=None, image_type=(), sop_class_uid=None)
    assert chosen(select([bare])) == ["a"]


@pytest.mark.parametrize(
    ("better", "worse", "why"),
    [
        ({"kernel": "H30s"}, {"kernel": "H60s"}, "bone_kernel"),
        ({"kernel": "STANDARD"}, {"kernel": None}, "not_preferred"),
        ({}, {"kernel": "BONE"}, "bone_kernel"),
        ({}, {"contrast_agent": "ISOVUE"}, "contrast"),
        ({}, {"series_description": "CTA Head"}, "contrast"),
        ({}, {"image_type": ("DERIVED", "SECONDARY", "MPR")}, "mpr"),
        ({}, {"image_type": ("DERIVED", "SECONDARY", "AXIAL", "MIP")}, "projection"),
        ({}, {"orientation": SAGITTAL}, "not_axial"),
        ({}, {"n": 15}, "not_preferred"),
        ({}, {"step": 1.0, "n": 30, "slice_thickness_mm": 1.0}, "too_little_coverage"),
        ({}, {"step": 0.75, "n": 200, "slice_thickness_mm": 0.75}, "not_preferred"),
        ({}, {"body_part": "CHEST"}, "other_body_part"),
        ({}, {"kvp": 40.0}, "kvp"),
        ({}, {"series_description": "Topogram"}, "localizer"),
        ({}, {"series_description": "Dose Report", "n": 1}, "dose_report"),
        ({}, {"sop_class_uid": "1.2.840.10008.5.1.4.1.1.7"}, "secondary_capture"),
        ({}, {"tags": {"SamplesPerPixel": "3"}}, "secondary_capture"),
        ({}, {"image_type": ("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 MON")}, "bolus_tracking"),
        ({}, {"series_description": "Perfusion"}, "perfusion"),
        ({}, {"modality": "MR"}, "not_ct"),
        ({}, {"tags": {"RescaleType": "Z_EFF"}}, "spectral"),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_of_two_series_the_better_is_chosen(better, worse, why, order):
    pair = [series("good", **better), series("poor", **worse)][::order]
    selection = select(pair)
    assert chosen(selection) == ["good"]
    assert reasons(selection) == {"poor": why}
    assert rows(selection) == {}, "the study has its row already"


@pytest.mark.parametrize("name", ["Head low dose 5mm", "Cranio dosis reducida", "HEAD_LOW-DOSE"])
def test_a_head_scanned_at_a_low_dose_is_no_page_about_the_dose(name):
    assert chosen(select([series("a", series_description=name)])) == ["a"]


def test_an_axial_reformat_is_taken_when_there_is_nothing_else():
    assert chosen(select([series("a", image_type=("DERIVED", "SECONDARY", "MPR"))])) == ["a"]


@pytest.mark.parametrize("degrees", [0, 10, 25, 30])
def test_a_tilted_gantry_is_axial(degrees):
    import math

    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    assert chosen(select([series("a", orientation=(1.0, 0.0, 0.0, 0.0, c, -s))])) == ["a"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"contrast_agent": "ISOVUE"}, "contrast"),
        ({"kernel": "H70h"}, "bone_kernel"),
        ({"kvp": 40.0}, "kvp"),
        ({"n": 1}, "too_few_slices"),
        ({"n": 10}, "too_little_coverage"),
        ({"position_mm": None}, "no_geometry"),
        ({"orientation": SAGITTAL}, "not_axial"),
    ],
)
def test_a_study_without_candidate_gets_a_row_with_its_reason(changes, why):
    if "position_mm" in changes:
        lost = Series("study", "a", 0, tuple(instance(str(i), **changes) for i in range(30)))
    else:
        lost = series("a", **changes)
    selection = select([lost, series("scout", n=1, series_description="SCOUT")])
    assert chosen(selection) == []
    assert rows(selection) == {"a": why}


@pytest.mark.parametrize(
    "changes",
    [
        {"modality": "MR"},
        {"body_part": "CHEST"},
        {"series_description": "Scout"},
        {"series_description": "Dose Report", "n": 1},
        {"image_type": ("DERIVED", "PRIMARY", "PERFUSION")},
    ],
)
def test_what_is_no_plain_head_ct_gets_no_row(changes):
    selection = select([series("a", **changes)])
    assert chosen(selection) == []
    assert rows(selection) == {}


def test_patients_under_one_study_uid_each_have_their_choice():
    pair = [series("a", patient_id="1"), series("a", patient_id="2")]
    assert len(select(pair).candidates) == 2


def test_what_else_the_study_has_is_named_best_first():
    """Stripped headers hide contrast: when pixels show it, the next series is to be tried."""
    every = [series("short", n=20), series("scout", n=1), series("a"), series("bone", n=29)]
    (candidate,) = select(every).candidates
    assert candidate.series.series_uid == "a"
    assert [item.series_uid for item in candidate.alternatives] == ["bone", "short"]


def test_every_study_has_its_own_choice():
    studies = [
        series("a", study_uid="s1"),
        series("b", study_uid="s2"),
        series("c", study_uid="s2"),
    ]
    assert len(chosen(select(studies))) == 2


def piece(low: float, high: float, part: int = 0, **changes: object) -> Series:
    """Slices every 5 mm from ``low`` to ``high``."""
    heights = range(int(low), int(high) + 1, 5)
    uid = str(changes.get("series_uid", "a"))
    slices = tuple(
        instance(f"{uid}-{part}-{z}", z, **{"series_uid": uid, **changes}) for z in heights
    )
    return Series("study", uid, part, slices)


def test_a_head_in_two_pieces_under_one_uid_is_read_whole():
    vertex, base = piece(70, 160), piece(0, 65, 1, pixel_spacing_mm=(0.4, 0.4))
    selection = select([base, vertex])
    assert [(one.series.part, one.alternatives) for one in selection.candidates] == [
        (0, ()),
        (1, ()),
    ]
    assert selection.rejected == ()


def test_a_head_in_two_series_is_read_whole():
    base = piece(0, 65, series_uid="base", pixel_spacing_mm=(0.4, 0.4))
    assert chosen(select([base, piece(70, 160)])) == ["a", "base"]


def test_a_copy_of_a_piece_is_not_read_as_well():
    other = {"pixel_spacing_mm": (0.4, 0.4)}
    base = piece(0, 65, series_uid="base", **other)
    thin = piece(0, 65, series_uid="thin", kernel="H60s", **other)
    assert chosen(select([base, piece(70, 160), thin])) == ["a", "base"]


def test_a_piece_that_cannot_be_read_has_a_row():
    vertex, base = piece(40, 160), piece(0, 35, 1, pixel_spacing_mm=(0.4, 0.4))
    selection = select([vertex, base])
    assert chosen(selection) == ["a"]
    assert [entry.reason.code for entry in selection.rejected if entry.not_analysable] == [
        "too_little_coverage"
    ]


def test_a_piece_in_another_series_that_is_too_short_to_be_read_has_a_row():
    other = {"pixel_spacing_mm": (0.4, 0.4)}
    base = piece(0, 35, series_uid="base", **other)
    bone = piece(0, 35, series_uid="bone", kernel="H60s", **other)
    selection = select([bone, base, piece(45, 150)])
    assert chosen(selection) == ["a"]
    assert rows(selection) == {"base": "too_little_coverage"}


def test_a_short_stack_beside_a_whole_head_has_no_row():
    neck = piece(-40, -5, series_uid="neck")
    assert rows(select([neck, piece(0, 150)])) == {}


@pytest.mark.parametrize(
    ("lowest", "name"),
    [(40, "C-Spine 3.0"), (20, "3.0 H30s")],
    ids=["it names another part", "the head is whole without it"],
)
def test_what_lies_below_the_head_is_not_read_as_a_piece_of_it(lowest, name):
    head = piece(lowest, 150, study_description="Head and spine")
    neck = piece(lowest - 70, lowest - 5, series_uid="neck", series_description=name)
    assert chosen(select([head, neck])) == ["a"]


def test_many_runs_over_the_same_slices_are_a_perfusion():
    runs = [Series("study", "p", part, series("p", n=10).instances) for part in range(6)]
    assert set(reasons(select(runs)).values()) == {"perfusion"}


def test_reconstructions_thrown_together_under_one_uid_are_no_perfusion():
    kinds = [{"kernel": "H30s"}, {"kernel": "H60s"}, {"orientation": SAGITTAL}, {"rows": 256}]
    parts = [Series("study", "p", n, series("p", **kind).instances) for n, kind in enumerate(kinds)]
    (candidate,) = select(parts).candidates
    assert candidate.series.part == 0


def test_folders_without_series_uids_are_no_perfusion():
    bare = [
        Series("study", "", n, tuple(
            instance(f"{n}-{i}", 5.0 * i, series_uid="", file=FileRef(Path(f"{n}/{i}")))
            for i in range(30)
        ))
        for n in range(4)
    ]  # fmt: skip
    assert len(select(bare).candidates) == 1


def test_all_series_takes_whatever_can_be_analysed():
    every = [series("soft"), series("bone", kernel="BONE"), series("cta", contrast_agent="ISOVUE")]
    selection = select(every, SelectionRules(all_series=True))
    assert chosen(selection) == ["soft", "bone"]
    assert reasons(selection) == {"cta": "contrast"}


def test_a_series_asked_for_by_uid_is_taken_whatever_its_header_says():
    every = [series("soft"), series("cta", contrast_agent="ISOVUE", body_part="CHEST")]
    selection = select(every, SelectionRules(series_uid=("cta",)))
    assert chosen(selection) == ["cta"]
    assert reasons(selection) == {"soft": "not_included"}
    assert rows(selection) == {}


def test_patterns_include_and_exclude():
    every = [
        series("a", study_uid="s1", series_description="Head 5.0"),
        series("b", study_uid="s2", series_description="Trial brain 5.0"),
    ]
    assert chosen(select(every, SelectionRules(include=("brain",)))) == ["b"]
    assert chosen(select(every, SelectionRules(include=("HEAD*",)))) == ["a"]
    assert chosen(select(every, SelectionRules(exclude=("*trial*",)))) == ["a"]
    assert reasons(select(every, SelectionRules(exclude=("*trial*",)))) == {"b": "excluded"}


def test_decisions_are_plain_json():
    selection = select([series("a"), series("b", kernel="BONE", kvp=None)])
    for entry in (*selection.candidates, *selection.rejected):
        assert json.loads(json.dumps(entry.decision)) == entry.decision
    assert selection.candidates[0].decision["chosen"] is True
    assert selection.rejected[0].decision["reason"]["code"] == "bone_kernel"


def test_decisions_hold_no_identifiers():
    marked = series("UID-SECRET", patient_id="SECRET", series_description="SECRET name")
    assert "SECRET" not in json.dumps(select([marked]).candidates[0].decision)


def test_the_choice_does_not_depend_on_the_order_of_files():
    slices = series("a").instances
    turned = Series("study", "a", 0, slices[::-1])
    assert select([turned]).candidates[0].decision == select([series("a")]).candidates[0].decision


def test_the_odd_files_are_each_rejected_for_their_own_reason(shared_data):
    selection = select(discover([shared_data / "dicom_edge"]).series)
    found = {
        f"{item.file.path.parent.name}/{item.file.path.stem}": entry.reason.code
        for entry in selection.rejected
        for item in entry.series.instances
    }
    assert selection.candidates == ()
    expected = {
        "head_ct/693_UNCR": "too_few_slices",
        "no_extension/CT1_J2KR": "contrast",
        "no_extension/CT2_J2KR": "too_few_slices",
        "tilted/1": "too_few_slices",
        "not_a_volume/1": "bolus_tracking",
        "enhanced/perfusion_2frames": "perfusion",
        "enhanced/mr_10frames": "not_ct",
        "other_ct/contrast_dash": "too_few_slices",
        "other_ct/contrast_rle": "contrast",
        "other_ct/small_128_contrast": "contrast",
        "other_ct/no_preamble_retired_class": "no_geometry",
        "other_ct/chest_localizer_jpeg_lossless": "localizer",
        "other_ct/neck_bad_sequence_jpeg_lossless": "other_body_part",
        "other_ct/pancreas_vr_un_j2k": "other_body_part",
        "chest_encodings/JPEG2000": "other_body_part",
        "not_ct/us_ybr422": "not_ct",
    }
    assert expected.items() <= found.items()


def test_files_used_and_files_skipped_add_up(shared_data):
    folders = [shared_data / "dicom_edge", shared_data / "rsna_volume"]
    found = discover(folders)
    selection = select(found.series)
    accounted = {skip.file for skip in found.skipped}
    for entry in selection.rejected:
        accounted |= files_of(entry.series.instances)
    for candidate in selection.candidates:
        volume = load_volume(candidate.series)
        assert not isinstance(volume, NotAnalysable)
        accounted |= set(volume.used) | {skip.file for skip in volume.skipped}
    assert len(selection.candidates) == 1
    assert len(accounted) == found.n_files


def files_of(instances: tuple[Instance, ...]) -> set:
    return {item.file for item in instances}
