"""Slices join into a scan, repeats into a majority; nothing unread counts as negative."""

from __future__ import annotations

import pytest

from ich_cli.domain import Reason, Side, Subtype
from ich_cli.mllm.answer import Presence, Region, SideWord
from ich_cli.mllm.vote import Reading, join_slices, majority, reading

YES, NO = Reading(any=True), Reading(any=False)
FAILED = Reason("timeout", "no answer")


def test_answers_become_a_reading() -> None:
    answers = {
        "haemorrhage": Presence.YES,
        "subtypes": [Subtype.SDH, Subtype.IPH],
        "side": SideWord.RIGHT,
        "regions": [Region.FRONTAL, Region.FRONTAL],
        "volume_ml": 12.0,
    }
    expected = Reading(True, (Subtype.IPH, Subtype.SDH), Side.RIGHT, (Region.FRONTAL,), 12.0)
    assert reading(answers) == expected


@pytest.mark.parametrize("word", [SideWord.NONE, SideWord.CANNOT_TELL])
def test_side_that_is_not_told_is_unknown(word: SideWord) -> None:
    found = reading({"haemorrhage": Presence.YES, "side": word})
    assert isinstance(found, Reading)
    assert found.side is None


def test_undecided_is_no_reading() -> None:
    found = reading({"haemorrhage": Presence.CANNOT_TELL})
    assert isinstance(found, Reason)
    assert found.code == "cannot_tell"


class TestSlices:
    def test_blood_on_one_slice_is_blood_in_the_scan(self) -> None:
        found = join_slices([NO, YES, FAILED])
        assert isinstance(found, Reading)
        assert found.any

    def test_unread_slice_never_counts_as_negative(self) -> None:
        assert join_slices([NO, FAILED, NO]) == FAILED

    def test_all_slices_read_and_clean(self) -> None:
        assert join_slices([NO, NO]) == NO

    def test_parts_are_joined(self) -> None:
        one = Reading(True, (Subtype.SDH,), Side.LEFT, (Region.FRONTAL,), 10.0)
        two = Reading(True, (Subtype.IPH,), Side.RIGHT, (Region.PARIETAL, Region.FRONTAL), 30.0)
        assert join_slices([one, two, NO]) == Reading(
            True,
            (Subtype.IPH, Subtype.SDH),
            Side.BILATERAL,
            (Region.FRONTAL, Region.PARIETAL),
            30.0,
        )

    def test_one_side_and_midline_is_that_side(self) -> None:
        found = join_slices([Reading(True, side=Side.MIDLINE), Reading(True, side=Side.LEFT)])
        assert isinstance(found, Reading)
        assert found.side is Side.LEFT


class TestMajority:
    def test_single_sample_is_itself(self) -> None:
        assert majority([YES]) == YES
        assert majority([FAILED]) == FAILED

    @pytest.mark.parametrize(
        ("samples", "expected"),
        [([YES, YES, NO], True), ([NO, NO, YES], False), ([YES, YES, FAILED], True)],
    )
    def test_more_than_half_decides(self, samples: list[Reading], expected: bool) -> None:
        found = majority(samples)
        assert isinstance(found, Reading)
        assert found.any is expected

    @pytest.mark.parametrize("samples", [[YES, NO], [YES, NO, FAILED], [YES, FAILED]])
    def test_without_a_majority_nothing_is_said(self, samples: list[Reading]) -> None:
        found = majority(samples)
        assert isinstance(found, Reason)
        assert found.code == "no_majority"

    def test_all_failed_is_the_first_failure(self) -> None:
        assert majority([FAILED, FAILED]) == FAILED

    def test_parts_are_voted_among_the_winners(self) -> None:
        a = Reading(True, (Subtype.IPH,), Side.LEFT, (Region.THALAMUS,), 10.0)
        b = Reading(True, (Subtype.IPH, Subtype.IVH), Side.LEFT, (Region.THALAMUS,), 30.0)
        c = Reading(True, (Subtype.SDH, Subtype.IVH), Side.RIGHT, (Region.FRONTAL,), 20.0)
        assert majority([a, b, c, NO]) == Reading(
            True, (Subtype.IPH, Subtype.IVH), Side.LEFT, (Region.THALAMUS,), 20.0
        )
