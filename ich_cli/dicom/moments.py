"""When images were acquired: the dates and times of headers, and how far apart is apart."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

APART = timedelta(minutes=30)
"""What is acquired further apart is another examination.

Reconstructions of one scan share its time; a repeat after motion, a contrast phase and a
perfusion run follow within some ten minutes, while the patient lies on the table. A control
does not: the patient has been away, to be treated, operated on or watched.
"""

_DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")
_TIME = re.compile(r"(\d{2}):?(\d{2})(?::?(\d{2}))?(?!\d)")
_DATE_TIME = re.compile(r"(\d{8})(\d{4,6})(?!\d)")


def moment(date: str | None, time: str | None, date_time: str | None = None) -> datetime | None:
    """The moment that a header names, to the second, by the scanner's own clock.

    Date and time apart are asked before both in one: those who shift the dates of studies
    often forget the latter, which not every series has, and would tear the study apart.

    Args:
        date: A DA, such as AcquisitionDate; ``1999.05.24`` of old files as well.
        time: A TM, at least to the minute.
        date_time: A DT; its offset from UTC is passed over.
    """
    return _moment(date or "", time or "") or _moment(*_parts(date_time or ""))


def apart(one: datetime | None, other: datetime | None) -> bool:
    """Whether two moments are of two examinations; an unknown one is not."""
    return one is not None and other is not None and abs(one - other) > APART


def beginnings(moments: Iterable[datetime]) -> list[datetime]:
    """When examinations began: the first moment, and each that is apart from the last beginning."""
    began: list[datetime] = []
    for one in sorted(moments):
        if not began or one - began[-1] > APART:
            began.append(one)
    return began


def _parts(date_time: str) -> tuple[str, str]:
    found = _DATE_TIME.match(date_time.strip())
    return (found[1], found[2]) if found else ("", "")


def _moment(date: str, time: str) -> datetime | None:
    day, clock = _DATE.fullmatch(date.strip()), _TIME.match(time.strip())
    if day is None or clock is None:
        return None
    hour, minute, second = clock.groups(default="00")
    with suppress(ValueError):
        return datetime.strptime("".join((*day.groups(), hour, minute, second)), "%Y%m%d%H%M%S")
    return None
