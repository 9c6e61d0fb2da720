"""Which files the watcher has dealt with, so that a restart does not begin anew.

Kept in SQLite in the output folder. One row per file that is still there: losing the file
costs a look at every header again, nothing else.
"""

from __future__ import annotations

import os
import sqlite3
import stat as stat_module
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ich_cli.errors import OutputError

STORE_FILE = "watch.sqlite"

_TABLES = """
CREATE TABLE IF NOT EXISTS files (
    path     BLOB PRIMARY KEY,
    study    TEXT,
    size     INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_by_study ON files (study);
"""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells whether a file has changed."""

    size: int
    mtime_ns: int


def stamp_of(path: Path) -> Stamp | None:
    """The stamp of a plain file; ``None`` for anything else, links included."""
    try:
        stat = path.lstat()
    except OSError:
        return None
    if not stat_module.S_ISREG(stat.st_mode):
        return None
    return Stamp(stat.st_size, stat.st_mtime_ns)


class WatchStore:
    """The files that were dealt with, by path. Use ``WatchStore.open``."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db, self._path = db, path

    @classmethod
    def open(cls, out: Path) -> WatchStore:
        """Open, or make, the store of the output folder ``out``; a damaged one is begun anew.

        Raises:
            OutputError: The folder cannot be written.
        """
        path = out / STORE_FILE
        try:
            try:
                return cls(_connect(path), path)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                for suffix in ("", "-wal", "-shm"):
                    path.with_name(path.name + suffix).unlink(missing_ok=True)
                return cls(_connect(path), path)
        except (OSError, sqlite3.Error) as err:
            raise OutputError(
                f"cannot open {path}: {err}; check permissions and free space"
            ) from err

    def __enter__(self) -> WatchStore:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def knows(self, path: Path, stamp: Stamp) -> bool:
        """Whether the file was dealt with as it is now."""
        row = self._db.execute(
            "SELECT size, mtime_ns FROM files WHERE path = ?", (_raw(path),)
        ).fetchone()
        return row is not None and tuple(row) == (stamp.size, stamp.mtime_ns)

    def files_of(self, study: str) -> list[Path]:
        """Files of a study that were dealt with before."""
        rows = self._db.execute("SELECT path FROM files WHERE study = ?", (study,))
        return [_path(raw) for (raw,) in rows]

    def study_of(self, path: Path) -> str | None:
        """The study that a file was dealt with for, if it was, and for one."""
        row = self._db.execute("SELECT study FROM files WHERE path = ?", (_raw(path),)).fetchone()
        return None if row is None else row[0]

    def studies_in(self, folder: Path) -> set[str]:
        """Studies of the files in ``folder`` itself that were dealt with before."""
        below = _raw(folder / "_")[:-1]
        rows = self._db.execute(
            "SELECT DISTINCT study FROM files WHERE path > ? AND path < ? "
            "AND study IS NOT NULL AND instr(substr(path, ?), ?) = 0",
            (below, below[:-1] + bytes([below[-1] + 1]), len(below) + 1, below[-1:]),
        )
        return {study for (study,) in rows}

    def remember(self, study: str | None, files: Iterable[tuple[Path, Stamp]]) -> None:
        """These files are dealt with; ``None`` is for files that are of no study."""
        rows = [(_raw(path), study, stamp.size, stamp.mtime_ns) for path, stamp in files]
        self._write("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", rows)

    def moved(self, moves: Iterable[tuple[Path, Path]]) -> None:
        """Files of studies were moved; a late slice still finds them."""
        rows = [(_raw(new), _raw(old)) for old, new in moves]
        self._write("UPDATE OR REPLACE files SET path = ? WHERE path = ?", rows)

    def forget(self, paths: Iterable[Path]) -> None:
        """These files are gone."""
        self._write("DELETE FROM files WHERE path = ?", [(_raw(path),) for path in paths])

    def forget_missing(self) -> int:
        """Drop the files that are no longer there; the number of those."""
        gone = [path for path in self._all() if not path.exists()]
        self.forget(gone)
        return len(gone)

    def _all(self) -> Iterator[Path]:
        for (raw,) in self._db.execute("SELECT path FROM files"):
            yield _path(raw)

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        try:
            with self._db:
                self._db.executemany(statement, rows)
        except sqlite3.Error as err:
            raise OutputError(f"cannot write {self._path}: {err}; check free space") from err


def _connect(path: Path) -> sqlite3.Connection:
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o640))
    db = sqlite3.connect(path, timeout=30.0)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.executescript(_TABLES)
        db.execute("SELECT count(*) FROM files").fetchone()
    except BaseException:
        db.close()
        raise
    return db


def _raw(path: Path) -> bytes:
    """Names of files need be no valid text."""
    return os.fsencode(path)


def _path(raw: bytes) -> Path:
    return Path(os.fsdecode(raw))
