"""Head CTs hours apart under one StudyInstanceUID are read each."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from ich_cli.dicom.rules import SelectionRules
from ich_cli.dicom.select import Selection, select
from ich_cli.domain import Series
from tests.dicom.ct_files import series

ADMISSION = datetime(2024, 1, 31, 20, 0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)


def after(minutes: int, uid: str, **changes: object) -> Series:
    """A series that was acquired so many minutes after the admission."""
    return series(uid, acquired=ADMISSION + timedelta(minutes=minutes), **changes)


def chosen(selection: Selection) -> list[str]:
    return sorted(candidate.series.series_uid for candidate in selection.candidates)


def rows(selection: Selection) -> dict[str, str]:
    return {
        entry.series.series_uid: entry.reason.code
        for entry in selection.rejected
        if entry.not_analysable
    }


def test_the_control_of_the_same_night_is_read_as_well():
    assert chosen(select([after(0, "admission"), after(210, "control")])) == [
        "admission",
        "control",
    ]


def test_each_examination_has_its_own_choice_and_its_own_alternatives():
    study = [
        after(0, "a"), after(0, "a-bone", kernel="H60s"), after(0, "a-thin", n=29),
        after(210, "b"), after(210, "b-bone", kernel="H60s"), after(210, "b-thin", n=29),
    ]  # fmt: skip
    selection = select(study)
    alternatives = {
        one.series.series_uid: [other.series_uid for other in one.alternatives]
        for one in selection.candidates
    }
    assert alternatives == {"a": ["a-thin"], "b": ["b-thin"]}
    assert rows(selection) == {}


@pytest.mark.parametrize("minutes", [0, 2, 12, 30])
def test_what_follows_at_once_is_of_the_same_examination(minutes: int):
    """Reconstructions, a repeat after motion, a second phase."""
    assert chosen(select([after(0, "a"), after(minutes, "again", n=29)])) == ["a"]


def test_series_without_a_time_are_chosen_among_as_one():
    assert chosen(select([series("a"), series("b", n=29)])) == ["a"]


def test_a_series_without_a_time_goes_with_the_first_examination():
    study = [after(0, "a"), series("untimed", n=29), after(210, "b")]
    assert chosen(select(study)) == ["a", "b"]


def test_a_series_is_of_the_time_of_its_earliest_slice():
    slow = after(0, "slow")
    late = [
        replace(one, acquired=ADMISSION + timedelta(minutes=2 * place))
        for place, one in enumerate(slow.instances)
    ]
    spread = replace(slow, instances=(*late[15:], *late[:15]))
    assert spread.acquired == ADMISSION
    assert chosen(select([spread, after(0, "bone", n=29)])) == ["slow"]


@pytest.mark.parametrize(
    "late",
    [
        {"contrast_agent": "ULTRAVIST"},
        {"series_description": "CTA Head"},
        {"series_description": "Perfusion"},
        {"series_description": "Premonitoring", "n": 1},
        {"n": 1},
        {"orientation": SAGITTAL},
        {"kernel": "H60s", "image_type": ("DERIVED", "SECONDARY", "MPR")},
        {"body_part": "CHEST"},
        {"series_description": "C-Spine 2.0"},
        {"modality": "MR"},
    ],
)
def test_what_is_no_plain_head_ct_is_no_later_examination(late: dict[str, object]):
    """An angiogram an hour later leaves nothing unread."""
    selection = select([after(0, "head"), after(60, "late", **late)])
    assert chosen(selection) == ["head"]
    assert rows(selection) == {}


@pytest.mark.parametrize(
    ("late", "why"),
    [
        ({"kvp": 40.0}, "kvp"),
        ({"kernel": "H60s"}, "bone_kernel"),
        ({"n": 10}, "too_little_coverage"),
        ({"n": 5}, "too_few_slices"),
        ({"position_mm": None}, "no_geometry"),
        ({"series_description": "Mono 60 keV"}, "spectral"),
    ],
)
@pytest.mark.parametrize("minutes", [60, -60])
def test_a_head_ct_that_cannot_be_read_has_a_row_though_another_was(
    late: dict[str, object], why: str, minutes: int
):
    angiogram = after(minutes + 5, "cta", contrast_agent="ULTRAVIST")
    selection = select([after(0, "head"), after(minutes, "other", **late), angiogram])
    assert chosen(selection) == ["head"]
    assert rows(selection) == {"other": why}


def test_examinations_that_cannot_be_read_have_a_row_each():
    selection = select([after(0, "a", kvp=40.0), after(0, "bone", kernel="H60s"),
                        after(60, "b", kvp=40.0)])  # fmt: skip
    assert chosen(selection) == []
    assert rows(selection) == {"bone": "bone_kernel", "b": "kvp"}


def test_pieces_of_a_head_go_with_those_of_their_own_examination():
    def piece(minutes: int, uid: str, lowest: int) -> Series:
        stack = after(minutes, uid, n=14)
        moved = [
            replace(one, position_mm=(0.0, 0.0, lowest + 5.0 * place))
            for place, one in enumerate(stack.instances)
        ]
        return replace(stack, instances=tuple(moved))

    study = [piece(0, "base", 0), piece(2, "vertex", 70),
             piece(90, "base2", 0), piece(92, "vertex2", 70)]  # fmt: skip
    assert chosen(select(study)) == ["base", "base2"]
    assert {len(one.series.instances) for one in select(study).candidates} == {28}


def test_controls_that_one_series_uid_was_given_are_no_perfusion():
    hours = [
        replace(after(60 * hour, "a"), part=hour) for hour in range(4)
    ]  # as carelessly anonymised archives have them
    assert len(select(hours).candidates) == 4


def test_patterns_and_overrides_apply_to_every_examination():
    study = [after(0, "a"), after(210, "b", series_description="Trial")]
    assert chosen(select(study, SelectionRules(exclude=("trial",)))) == ["a"]
    assert chosen(select(study, SelectionRules(series_uid=("b",)))) == ["b"]
    assert chosen(select(study, SelectionRules(all_series=True))) == ["a", "b"]
