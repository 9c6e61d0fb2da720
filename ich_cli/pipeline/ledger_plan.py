"""Which series are to be done, and which are known already."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from ich_cli.pipeline.content_key import ContentKey, split_uids

MAX_CRASHES = 5
"""A series that was in hand at so many sudden deaths in a row is not tried again by itself."""

JUDGED = frozenset({"positive", "negative", "indeterminate"})
"""Statuses that are an answer."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done with the series that were found.

    Attributes:
        todo: New, changed, or to be tried again; those that once died in hand come last.
        done: Nothing to do: known by content.
        shrunk: Files have gone since the series was judged; the judgement is kept.
        poisoned: In hand at ``MAX_CRASHES`` sudden deaths in a row; to be written off.
        failed: Failed before, and not to be tried again unless asked for.
    """

    todo: tuple[ContentKey, ...] = ()
    done: tuple[ContentKey, ...] = ()
    shrunk: tuple[ContentKey, ...] = ()
    poisoned: tuple[ContentKey, ...] = ()
    failed: tuple[ContentKey, ...] = ()


def kind_of(
    row: sqlite3.Row | None,
    key: ContentKey,
    seen_uids: Mapping[tuple[str, str], frozenset[bytes]],
    retry_failed: bool,
) -> str:
    """Which field of :class:`Plan` takes ``key``, whose row is ``row``."""
    if row is None:
        return "todo"
    if row["record_digest"] == key.digest and row["state"] in ("done", "failed"):
        if row["state"] == "done":
            return "done"
        return "todo" if retry_failed else "failed"
    if row["state"] == "failed" and row["digest"] == key.digest and not retry_failed:
        return "failed"
    if row["record_recipe"] == key.recipe and row["status"] in JUDGED:
        before = split_uids(row["record_uids"])
        if not before <= seen_uids[key.study_uid, key.series_uid]:
            return "shrunk"
    if row["digest"] == key.digest and row["crashes"] >= MAX_CRASHES and not retry_failed:
        return "poisoned"
    return "todo"
