"""Fills a new ledger from the results that an earlier one has left behind."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ich_cli.pipeline.content_key import ContentKey, join_uids
from ich_cli.pipeline.ledger import CONTENT_FIELD, Ledger
from ich_cli.reports import FORMATS


def adopt_results(ledger: Ledger) -> int:
    """Fill a new ledger from the results files beside it.

    The last line for a series wins; a torn or foreign line is passed over.

    Returns:
        How many series were taken over.
    """
    return sum(_adopt_lines(ledger, ledger.out / FORMATS[n].filename) for n in ("jsonl", "json"))


def _adopt_lines(ledger: Ledger, path: Path) -> int:
    last: dict[tuple[Any, ...], int] = {}
    for number, record in enumerate(_lines(path)):
        last[_identity(record)] = number
    wanted = set(last.values())
    if not wanted:
        return 0
    known = (
        (key, record)
        for number, record in enumerate(_lines(path))
        if number in wanted and (key := _known_by(record)) is not None
    )
    return ledger.adopt(known, finished=path.stat().st_mtime)


def _lines(path: Path) -> Iterator[Mapping[str, Any]]:
    """The objects of a file with one on each line, which may be damaged anywhere."""
    try:
        with path.open("rb") as file:
            for line in file:
                record = _parse(line)
                if isinstance(record, dict):
                    yield record
    except FileNotFoundError:
        return


def _parse(line: bytes) -> Any:
    try:
        return json.loads(line.strip().rstrip(b","))
    except ValueError:
        return None


def _identity(record: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(str(record.get(name)) for name in ("study_uid", "series_uid", "series_part"))


def _known_by(record: Mapping[str, Any]) -> ContentKey | None:
    """The key under which a record was stored, or ``None`` where it does not tell."""
    try:
        identity = (record["study_uid"], record["series_uid"], record["series_part"])
        content = record[CONTENT_FIELD]
        uids = join_uids(slice_["sop_uid"] for slice_ in record["slices"])
        return ContentKey(*identity, content["digest"], content["recipe"], uids)
    except (KeyError, TypeError):
        return None
