"""What has been done in an output folder: one row per series, with its finished record.

The ledger is the truth; ``results.csv``, ``.json`` and ``.jsonl`` are written from it.
Each step is one transaction, so that killing the process at any moment loses at most the
series in hand, which the next run finds as started and not finished.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from ich_cli.errors import OutputError
from ich_cli.pipeline.content_key import ContentKey, join_uids, split_uids
from ich_cli.pipeline.ledger_plan import Plan, kind_of, uids_by_series
from ich_cli.pipeline.ledger_schema import LEDGER_FILE, connect, keep_aside

CONTENT_FIELD = "content_key"
"""Name under which a record carries what its series was known by."""

_IDENTITY = "study_uid = ? AND series_uid = ? AND part = ?"


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it was stored, and whether it took the place of an earlier one."""

    record: Mapping[str, Any]
    replaced: bool


class Ledger:
    """The ledger of one output folder. Use ``Ledger.open``, as a context manager.

    The caller holds the folder's lock (:mod:`ich_cli.pipeline.lock`): one writer.
    """

    def __init__(self, db: sqlite3.Connection, path: Path, now: Callable[[], float]) -> None:
        self._db = db
        self._path = path
        self._file_id = _file_id(path)
        self._now = now
        self._one_at_a_time = threading.RLock()
        self.kept_aside: Path | None = None
        """Where a damaged ledger was put when this one was opened."""

    @classmethod
    def open(cls, out: Path, now: Callable[[], float] = time.time) -> Ledger:
        """Open, or make, the ledger of the output folder ``out``.

        A damaged ledger is kept aside under another name and a new one is begun (see
        :mod:`ich_cli.pipeline.ledger_results` for filling it from the results).

        Raises:
            OutputError: The folder cannot be written.
        """
        path = out / LEDGER_FILE
        aside = None
        try:
            out.mkdir(parents=True, exist_ok=True)
            try:
                db = connect(path)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                aside = keep_aside(path, now())
                db = connect(path)
        except (OSError, sqlite3.Error) as err:
            raise OutputError(
                f"cannot open the ledger {path}: {err}; check permissions and free space"
            ) from err
        ledger = cls(db, path, now)
        ledger.kept_aside = aside
        return ledger

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; every step was safe on disk before."""
        self._db.close()

    @property
    def out(self) -> Path:
        """The output folder."""
        return self._path.parent

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
        seen_uids = uids_by_series(keys)
        waits: dict[tuple[str, str, int], int] = {}
        with self._transaction():
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
        with self._transaction():
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
        with self._transaction():
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
                self._bump()
        return gone

    # -- one series ---------------------------------------------------------------------

    def start(self, key: ContentKey) -> None:
        """Note that ``key`` is in hand."""
        self.still_there()
        with self._transaction():
            self._db.execute(
                f"UPDATE series SET state = 'running', started = ?, attempts = attempts + 1, "
                f"crashes = crashes + 1 WHERE {_IDENTITY}",
                (self._now(), *key.identity),
            )

    def put_back(self, key: ContentKey) -> None:
        """Note that ``key`` was laid down unfinished on purpose: it waits again."""
        with self._transaction():
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
        with self._transaction():
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
            self._bump()
        return Stored(record, replaced=started is not None and started["record"] is not None)

    def adopt(self, records: Iterable[Mapping[str, Any]], finished: float) -> int:
        """Take over records of a results file, all or none, for series not yet known.

        Args:
            records: As they were once stored; what says too little is passed over.
            finished: When they were finished, in seconds since the epoch.

        Returns:
            How many were taken over.
        """
        taken = 0
        with self._transaction():
            for record in records:
                key = _known_by(record)
                if key is None or self._row(key) is not None:
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
        with self._transaction():
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

    def status_of(self, key: ContentKey) -> str | None:
        """Status of the finished record of ``key``'s series, or ``None``."""
        row = self._row(key)
        return None if row is None else row["status"]

    @property
    def revision(self) -> int:
        """Rises with every change of the records."""
        return int(self.note("revision") or 0)

    def note(self, name: str) -> str | None:
        """A remark kept beside the rows, by name."""
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def keep_note(self, name: str, value: str) -> None:
        """Keep a remark beside the rows."""
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    # -- inside -------------------------------------------------------------------------

    def _row(self, key: ContentKey) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._db.execute(
            f"SELECT * FROM series WHERE {_IDENTITY}", key.identity
        ).fetchone()
        return row

    def _bump(self) -> None:
        self._db.execute(
            "INSERT INTO meta VALUES ('revision', '1') ON CONFLICT (name) "
            "DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)"
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing; may be nested, and is safe from the thread that reads ahead."""
        with self._one_at_a_time:
            if self._db.in_transaction:
                yield
                return
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield
                except BaseException:
                    self._roll_back()
                    raise
                self._db.execute("COMMIT")
            except sqlite3.Error as err:
                self._roll_back()
                raise OutputError(
                    f"cannot write the ledger {self._path}: {err}; check free space and the folder"
                ) from err

    def _roll_back(self) -> None:
        # A full disk makes SQLite roll back by itself.
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def still_there(self) -> None:
        """Make sure that the output folder is the one that was opened.

        SQLite would write on into a deleted file without a word.

        Raises:
            OutputError: It was removed, or another one is in its place.
        """
        if _file_id(self._path) != self._file_id:
            raise OutputError(
                f"the output folder {self.out} was removed or replaced during the run; "
                "start again with a folder that stays"
            )


def _known_by(record: Mapping[str, Any]) -> ContentKey | None:
    """The key under which a record was stored, or ``None`` where it does not tell."""
    try:
        identity = (record["study_uid"], record["series_uid"], record["series_part"])
        content = record[CONTENT_FIELD]
        uids = join_uids(slice_["sop_uid"] for slice_ in record["slices"])
        return ContentKey(*identity, content["digest"], content["recipe"], uids)
    except (KeyError, TypeError):
        return None


def _describe(reason: Any) -> str:
    if isinstance(reason, Mapping):
        return ": ".join(str(part) for part in (reason.get("code"), reason.get("detail")) if part)
    return "" if reason is None else str(reason)


def _file_id(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino
