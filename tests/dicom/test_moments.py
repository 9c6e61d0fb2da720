from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ich_cli.dicom.moments import APART, apart, beginnings, moment

EVENING = datetime(2024, 1, 31, 22, 5, 10)


@pytest.mark.parametrize(
    ("date", "time"),
    [
        ("20240131", "220510"),
        ("20240131", "220510.123456"),
        ("2024.01.31", "22:05:10.5"),
        (" 20240131 ", "220510 "),
    ],
)
def test_date_and_time_of_old_and_new_files(date: str, time: str):
    assert moment(date, time) == EVENING


def test_a_time_to_the_minute_is_enough():
    assert moment("20240131", "2205") == EVENING.replace(second=0)


@pytest.mark.parametrize(
    ("date", "time"),
    [
        (None, "220510"),
        ("20240131", None),
        ("20240131", ""),
        ("20240131", "22"),
        ("20240131", "220"),
        ("20240131", "256010"),
        ("20240231", "220510"),
        ("0000000", "220510"),
        ("31.01.2024", "220510"),
        ("REMOVED", "REMOVED"),
    ],
)
def test_what_is_no_moment_is_unknown(date: str | None, time: str | None):
    assert moment(date, time) is None


@pytest.mark.parametrize(
    "text", ["20240131220510", "20240131220510.123456+0100", "20240131220510&0100"]
)
def test_both_in_one_stand_in_where_they_are_not_apart(text: str):
    assert moment(None, "220510", text) == EVENING


def test_date_and_time_apart_are_asked_first():
    """Whoever shifts dates by their value representation forgets AcquisitionDateTime."""
    assert moment("20240131", "220510", "20200704220510") == EVENING


@pytest.mark.parametrize("text", ["20240131", "2024", "202401312", "", "REMOVED"])
def test_a_day_alone_is_no_moment(text: str):
    assert moment(None, None, text) is None


def test_unknown_moments_are_not_apart():
    assert apart(EVENING, EVENING - APART - timedelta(seconds=1))
    assert not apart(EVENING, EVENING + APART)
    assert not apart(EVENING, None)
    assert not apart(None, EVENING)


def minutes(*offsets: int) -> list[datetime]:
    return [EVENING + timedelta(minutes=offset) for offset in offsets]


@pytest.mark.parametrize(
    ("acquired", "began"),
    [
        ((), ()),
        ((0, 0, 3, 12), (0,)),
        ((0, 10, 90, 95), (0, 90)),
        ((90, 0), (0, 90)),
        ((0, 30), (0,)),
        ((0, 31), (0, 31)),
        ((0, 25, 50, 75), (0, 50)),
        ((0, 24 * 60), (0, 24 * 60)),
    ],
    ids=["none", "one", "a control", "any order", "just in time", "just not",
         "time after time", "the next day"],
)  # fmt: skip
def test_an_examination_begins_half_an_hour_after_the_last_began(acquired, began):
    assert beginnings(minutes(*acquired)) == minutes(*began)
