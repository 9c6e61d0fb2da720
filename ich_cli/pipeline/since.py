"""Only studies of late: ``--since``."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta

from ich_cli.dicom.select import Rejected
from ich_cli.domain import Reason, Series
from ich_cli.errors import UsageError

TOO_OLD = "before_since"
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def moment_of(text: str, now: datetime) -> datetime:
    """The moment that ``2026-01-31``, ``36h``, ``7d`` or ``2w`` means, in the zone of ``now``.

    A date may carry an offset of its own, as in ``2026-01-31T10:00+05:00``.

    Raises:
        UsageError: It is none of these.
    """
    age = re.fullmatch(r"(\d{1,5})([hdw])", text.strip())
    if age is not None:
        return now - timedelta(**{_UNITS[age[2]]: int(age[1])})
    with suppress(ValueError, OverflowError):
        given = datetime.fromisoformat(text.strip())
        if given.tzinfo is None:
            return given.replace(tzinfo=now.tzinfo)
        # StudyDate is a day where the scanner stands, so days are compared in that zone.
        return given.astimezone(now.tzinfo)
    raise UsageError(f"--since {text!r}: give a date such as 2026-01-31, or an age: 36h, 7d, 2w")


def split_by_age(
    series: Sequence[Series], since: datetime
) -> tuple[tuple[Series, ...], tuple[Rejected, ...]]:
    """Series of studies since a moment, and those of older ones with the reason.

    A study is dated by its StudyDate; where the header has none, by its newest file.
    """
    studies: dict[str, list[Series]] = defaultdict(list)
    for item in series:
        studies[item.study_uid].append(item)
    recent = {uid for uid, items in studies.items() if _is_recent(items, since)}
    reason = Reason(TOO_OLD, f"studied before {since:%Y-%m-%d %H:%M}")
    return (
        tuple(item for item in series if item.study_uid in recent),
        tuple(Rejected(item, reason) for item in series if item.study_uid not in recent),
    )


def _is_recent(study: Sequence[Series], since: datetime) -> bool:
    for item in study:
        dated = _date(item.first.study_date)
        if dated is not None:
            return dated >= since.date()
    return _newest_file(study) >= since.timestamp()


def _date(text: str | None) -> date | None:
    with suppress(ValueError, TypeError):
        return datetime.strptime(text or "", "%Y%m%d").date()
    return None


def _newest_file(study: Sequence[Series]) -> float:
    newest = 0.0
    for path in {instance.file.path for item in study for instance in item.instances}:
        with suppress(OSError):
            newest = max(newest, path.stat().st_mtime)
    return newest
