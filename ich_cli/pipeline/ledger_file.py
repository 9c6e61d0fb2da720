"""The SQLite file that a ledger is kept in: opened, written all or nothing, and still there."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from ich_cli.errors import OutputError
from ich_cli.pipeline.ledger_schema import LEDGER_FILE, connect, keep_aside

Self = TypeVar("Self", bound="LedgerFile")


class LedgerFile:
    """The file of one output folder's ledger, with the remarks kept beside its rows.

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
    def open(cls: type[Self], out: Path, now: Callable[[], float] = time.time) -> Self:
        """Open, or make, the ledger of the output folder ``out``.

        A damaged ledger is kept aside under another name and a new one is begun (see
        :mod:`ich_cli.pipeline.ledger_adopt` for filling it from the results).

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

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; every step was safe on disk before."""
        self._db.close()

    @property
    def out(self) -> Path:
        """The output folder."""
        return self._path.parent

    def note(self, name: str) -> str | None:
        """A remark kept beside the rows, by name."""
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def keep_note(self, name: str, value: str) -> None:
        """Keep a remark beside the rows."""
        with self.transaction():
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    @property
    def revision(self) -> int:
        """Rises with every change of the records."""
        return int(self.note("revision") or 0)

    def bump(self) -> None:
        """Raise the revision."""
        self._db.execute(
            "INSERT INTO meta VALUES ('revision', '1') ON CONFLICT (name) "
            "DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)"
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
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


def _file_id(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino
