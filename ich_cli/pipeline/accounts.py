"""Where every file went: used, or skipped with a reason; nothing disappears."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ich_cli.dicom.discover import Discovery
from ich_cli.dicom.select import Rejected
from ich_cli.domain import Series

WAITING = "waiting"
"""Reason of files of a series that this run did not come to (``--limit``, stopped)."""

Identity = tuple[str, str, int]


def identity_of(series: Series) -> Identity:
    """What a row of the results is the only one of."""
    return series.study_uid, series.series_uid, series.part


class FileAccounts:
    """Adds up the files of a run.

    Args:
        discovery: All files that were seen.
        rejected: Series that are no candidates and have no row of their own.
        rows: Series that have, or will have, a row.
    """

    def __init__(
        self, discovery: Discovery, rejected: Sequence[Rejected], rows: Sequence[Series]
    ) -> None:
        self.seen = discovery.n_files
        self.used = 0
        self.skipped: Counter[str] = Counter(s.reason.code for s in discovery.skipped)
        for one in rejected:
            self.skipped[one.reason.code] += len(one.series.instances)
        self._open: dict[Identity, int] = {identity_of(s): len(s.instances) for s in rows}

    def add(self, record: Mapping[str, Any], *, changed: bool = False) -> None:
        """Take over what a record says of its files.

        Args:
            record: A row of this or of an earlier run.
            changed: The files are no longer those of the record (some were deleted since);
                those that are still there count as used.
        """
        key = (record["study_uid"], record["series_uid"], record["series_part"])
        count = self._open.pop(key, None)
        if count is None:
            return
        if changed:
            self.used += count
            return
        self.used += record["files"]["used"]
        self.skipped.update(record["files"]["skipped"])

    def close(self) -> None:
        """Count the files of the series that have no row yet as waiting."""
        waiting = sum(self._open.values())
        if waiting:
            self.skipped[WAITING] += waiting
        self._open.clear()
