from __future__ import annotations

import dataclasses
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from ich_cli.domain import Series
from ich_cli.errors import UsageError
from ich_cli.pipeline.since import TOO_OLD, moment_of, split_by_age

from .series import make_series

NOW = datetime(2026, 3, 15, 12, tzinfo=timezone.utc)


def dated(folder: Path, number: int, date: str | None) -> Series:
    series = make_series(folder, f"1.{number}", f"1.{number}.1")
    instances = tuple(dataclasses.replace(i, study_date=date) for i in series.instances)
    return dataclasses.replace(series, instances=instances)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("36h", datetime(2026, 3, 14, 0, tzinfo=timezone.utc)),
        ("7d", datetime(2026, 3, 8, 12, tzinfo=timezone.utc)),
        ("2w", datetime(2026, 3, 1, 12, tzinfo=timezone.utc)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=timezone.utc)),
        ("2026-01-31T08:30", datetime(2026, 1, 31, 8, 30, tzinfo=timezone.utc)),
    ],
)
def test_dates_and_ages_are_understood(text: str, moment: datetime) -> None:
    assert moment_of(text, NOW) == moment


def test_an_offset_that_is_given_counts_and_days_are_those_of_the_local_zone() -> None:
    here = timezone(timedelta(hours=-3))
    now = NOW.astimezone(here)
    moment = moment_of("2026-01-31T02:00+05:00", now)
    assert moment == datetime(2026, 1, 30, 21, tzinfo=timezone.utc)
    assert (moment.day, moment.hour) == (30, 18)
    assert moment_of("2026-01-31T10:00", now) == datetime(2026, 1, 31, 10, tzinfo=here)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "7", "-3d", "2026-13-01", "7 d", "999999d", "0001-01-01T00:00+14:00"]
)
def test_anything_else_is_one_clear_line(text: str) -> None:
    with pytest.raises(UsageError, match="give a date"):
        moment_of(text, NOW)


def test_a_study_is_as_old_as_its_header_says(tmp_path: Path) -> None:
    old, new = dated(tmp_path, 1, "20260301"), dated(tmp_path, 2, "20260310")
    recent, rejected = split_by_age([old, new], moment_of("7d", NOW))
    assert recent == (new,)
    assert [(r.series, r.reason.code, r.not_analysable) for r in rejected] == [
        (old, TOO_OLD, False)
    ]


def test_the_day_of_the_moment_itself_counts(tmp_path: Path) -> None:
    series = dated(tmp_path, 1, "20260308")
    assert split_by_age([series], moment_of("7d", NOW))[0] == (series,)


@pytest.mark.parametrize("date", [None, "", "2026"])
def test_a_study_without_a_date_is_as_old_as_its_newest_file(
    tmp_path: Path, date: str | None
) -> None:
    series = dated(tmp_path, 1, date)
    for instance in series.instances:
        os.utime(instance.file.path, (0, NOW.timestamp() - 30 * 86_400))
    assert split_by_age([series], moment_of("7d", NOW))[0] == ()
    os.utime(series.instances[-1].file.path, (0, NOW.timestamp() - 3600))
    assert split_by_age([series], moment_of("7d", NOW))[0] == (series,)


def test_all_series_of_a_study_share_its_age(tmp_path: Path) -> None:
    brain = dated(tmp_path, 1, "20260314")
    scout = dataclasses.replace(dated(tmp_path, 1, None), series_uid="1.1.2")
    assert split_by_age([scout, brain], moment_of("7d", NOW))[0] == (scout, brain)
