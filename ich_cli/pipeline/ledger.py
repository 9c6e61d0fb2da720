"""What has been done in an output folder: one row per series, with its finished record.

The ledger is the truth; ``results.csv``, ``.json`` and ``.jsonl`` are written from it.
Each step is one transaction, so that killing the process at any moment loses at most the
series in hand, which the next run finds as started and not finished.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ich_cli.pipeline.content_key import ContentKey, split_uids, uids_by_series
from ich_cli.pipeline.ledger_file import LedgerFile
from ich_cli.pipeline.ledger_plan import Plan, kind_of

CONTENT_FIELD = "content_key"
"""Name under which a record carries what its series was known by."""

_IDENTITY = "study_uid = ? AND series_uid = ? AND part = ?"


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it was stored, and whether it took the place of an earlier one."""

    record: Mapping[str, Any]
    replaced: bool


class Ledger(LedgerFile):
    """The ledger of one output folder. Use ``Ledger.open``, as a context manager."""

    # -- what to do ---------------------------------------------------------------------

    def plan(
        self, keys: Sequence[ContentKey], *, redo: bool = False, retry_failed: bool = False
    ) -> Plan:
        """Sort ``keys`` into what is to be done and what is known; note the former as waiting.

        Args:
            keys: Candidates that were found, in the order to work in.
            redo: Do everything again.
            retry_failed: Do what failed again, and what died in hand too often.
        """
        found: dict[str, list[ContentKey]] = {n: [] for n in Plan.__dataclass_fields__}
        seen_uids = uids_by_series((k.study_uid, k.series_uid, k.uid_set) for k in keys)
        waits: dict[tuple[str, str, int], int] = {}
        with self.transaction():
            for key in dict.fromkeys(keys):
                row = self._row(key)
                kind = "todo" if redo else kind_of(row, key, seen_uids, retry_failed)
                found[kind].append(key)
                if kind == "todo":
                    waits[key.identity] = 0 if row is None else int(row["crashes"])
                    self._wait(key, forgive=redo or retry_failed)
        found["todo"].sort(key=lambda key: waits[key.identity])
        return Plan(**{name: tuple(keys) for name, keys in found.items()})

    def _wait(self, key: ContentKey, *, forgive: bool) -> None:
        """Note ``key`` as waiting; an earlier record stays until the new one takes its place."""
        self._db.execute(
            """
            INSERT INTO series
                (study_uid, series_uid, part, digest, recipe, uids, state, first_seen)
            VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?)
            ON CONFLICT (study_uid, series_uid, part) DO UPDATE SET
                attempts = iif(digest = excluded.digest, attempts, 0),
                crashes = iif(? OR digest <> excluded.digest, 0, crashes),
                first_seen = iif(state IN ('waiting', 'running'), first_seen, excluded.first_seen),
                digest = excluded.digest, recipe = excluded.recipe, uids = excluded.uids,
                state = 'waiting'
            """,
            (*key.identity, key.digest, key.recipe, key.uids, self._now(), forgive),
        )

    def forget_waiting(self, keep: Collection[ContentKey]) -> None:
        """Drop series that wait but are not among ``keep``: their files are gone."""
        kept = {key.identity for key in keep}
        with self.transaction():
            rows = self._db.execute(
                "SELECT study_uid, series_uid, part FROM series "
                "WHERE state IN ('waiting', 'running') AND record IS NULL"
            ).fetchall()
            gone = [tuple(row) for row in rows if tuple(row) not in kept]
            self._db.executemany(f"DELETE FROM series WHERE {_IDENTITY}", gone)

    def retire(
        self, seen: Mapping[tuple[str, str], frozenset[bytes]], keys: Collection[ContentKey]
    ) -> int:
        """Take out rows of series that were seen again but are no longer candidates as such.

        After a late slice a series may fall into other parts, or another series of the
        study may have become the better candidate. A row stays when some of the objects it
        was made from have gone since.

        Args:
            seen: ``(study_uid, series_uid)`` of every series that was found, with the
                digests of its SOPInstanceUIDs.
            keys: The candidates among them.

        Returns:
            How many rows of the results went.
        """
        current = {key.identity for key in keys}
        gone = 0
        with self.transaction():
            for name, uids in seen.items():
                rows = self._db.execute(
                    "SELECT part, record_uids FROM series WHERE study_uid = ? AND series_uid = ?",
                    name,
                ).fetchall()
                for row in rows:
                    identity = (*name, row["part"])
                    if identity in current or not split_uids(row["record_uids"] or b"") <= uids:
                        continue
                    self._db.execute(f"DELETE FROM series WHERE {_IDENTITY}", identity)
                    gone += row["record_uids"] is not None
            if gone:
                self.bump()
        return gone

    # -- one series ---------------------------------------------------------------------

    def start(self, key: ContentKey) -> None:
        """Note that ``key`` is in hand."""
        self.still_there()
        with self.transaction():
            self._db.execute(
                f"UPDATE series SET state = 'running', started = ?, attempts = attempts + 1, "
                f"crashes = crashes + 1 WHERE {_IDENTITY}",
                (self._now(), *key.identity),
            )

    def put_back(self, key: ContentKey) -> None:
        """Note that ``key`` was laid down unfinished on purpose: it waits again."""
        with self.transaction():
            self._db.execute(
                f"UPDATE series SET state = 'waiting', crashes = 0 WHERE {_IDENTITY}",
                key.identity,
            )

    def finish(self, key: ContentKey, record: Mapping[str, Any]) -> Stored:
        """Store the finished record of ``key``; it takes the place of an earlier one.

        ``record["status"]`` decides between done and failed. The content key is added to
        the record, so that a lost ledger can be rebuilt from the results.
        """
        self.still_there()
        now = self._now()
        record = {**record, CONTENT_FIELD: {"digest": key.digest, "recipe": key.recipe}}
        status, reason = str(record["status"]), record.get("reason")
        code = reason.get("code") if isinstance(reason, Mapping) else reason
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        with self.transaction():
            started = self._row(key)
            seconds = None
            if started is not None and started["started"] is not None:
                seconds = max(0.0, now - float(started["started"]))
            if started is None:
                self._wait(key, forgive=True)
            self._db.execute(
                f"""
                UPDATE series SET state = ?, finished = ?, seconds = ?, crashes = 0, error = ?,
                    record = ?, record_digest = ?, record_recipe = ?, record_uids = ?,
                    status = ?, reason = ?,
                    seq = (SELECT coalesce(max(seq), 0) + 1 FROM series)
                WHERE {_IDENTITY}
                """,
                (
                    "failed" if status == "failed" else "done",
                    now,
                    seconds,
                    _describe(reason) if status == "failed" else None,
                    text,
                    key.digest,
                    key.recipe,
                    key.uids,
                    status,
                    None if code is None else str(code),
                    *key.identity,
                ),
            )
            self.bump()
        return Stored(record, replaced=started is not None and started["record"] is not None)

    def adopt(
        self, records: Iterable[tuple[ContentKey, Mapping[str, Any]]], finished: float
    ) -> int:
        """Take over records of an earlier ledger, all or none, for series not yet known.

        Args:
            records: As they were once stored, and under which key.
            finished: When they were finished, in seconds since the epoch.

        Returns:
            How many were taken over.
        """
        taken = 0
        with self.transaction():
            for key, record in records:
                if self._row(key) is not None:
                    continue
                self.finish(key, record)
                self._db.execute(
                    f"UPDATE series SET first_seen = ?, finished = ? WHERE {_IDENTITY}",
                    (finished, finished, *key.identity),
                )
                taken += 1
        return taken

    def fail(self, key: ContentKey, error: str) -> None:
        """Note that ``key`` failed without even a record; it stays out of the results."""
        with self.transaction():
            self._db.execute(
                f"UPDATE series SET state = 'failed', finished = ?, error = ? WHERE {_IDENTITY}",
                (self._now(), error, *key.identity),
            )

    # -- what is known ------------------------------------------------------------------

    def rows(self) -> Iterator[dict[str, Any]]:
        """The finished records in the order in which they were finished, one at a time."""
        for (text,) in self._db.execute(
            "SELECT record FROM series WHERE record IS NOT NULL ORDER BY seq"
        ):
            yield json.loads(text)

    def count(self) -> int:
        """How many finished records there are."""
        row = self._db.execute("SELECT count(*) FROM series WHERE record IS NOT NULL").fetchone()
        return int(row[0])

    def record_of(self, key: ContentKey) -> dict[str, Any] | None:
        """The finished record of ``key``'s series, or ``None``."""
        row = self._row(key)
        return None if row is None or row["record"] is None else dict(json.loads(row["record"]))

    def status_of(self, key: ContentKey) -> str | None:
        """Status of the finished record of ``key``'s series, or ``None``."""
        row = self._row(key)
        return None if row is None else row["status"]

    def _row(self, key: ContentKey) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._db.execute(
            f"SELECT * FROM series WHERE {_IDENTITY}", key.identity
        ).fetchone()
        return row


def _describe(reason: Any) -> str:
    if isinstance(reason, Mapping):
        return ": ".join(str(part) for part in (reason.get("code"), reason.get("detail")) if part)
    return "" if reason is None else str(reason)
