"""The ledger's tables, and how its SQLite file is opened."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

LEDGER_FILE = "ledger.sqlite"
SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 30.0
_CHECK_UP_TO_BYTES = 256 * 2**20
"""Larger ledgers are not read whole at every start; damage then shows when it is met."""

_TABLES = """
CREATE TABLE IF NOT EXISTS series (
    study_uid     TEXT NOT NULL,
    series_uid    TEXT NOT NULL,
    part          INTEGER NOT NULL,
    digest        TEXT NOT NULL,
    recipe        TEXT NOT NULL,
    uids          BLOB NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    attempts      INTEGER NOT NULL DEFAULT 0,
    crashes       INTEGER NOT NULL DEFAULT 0,
    first_seen    REAL NOT NULL,
    started       REAL,
    finished      REAL,
    seconds       REAL,
    error         TEXT,
    record        TEXT,
    record_digest TEXT,
    record_recipe TEXT,
    record_uids   BLOB,
    status        TEXT,
    reason        TEXT,
    seq           INTEGER,
    PRIMARY KEY (study_uid, series_uid, part)
);
CREATE UNIQUE INDEX IF NOT EXISTS series_by_seq ON series (seq);
CREATE INDEX IF NOT EXISTS series_by_state ON series (state, first_seen);
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open the ledger file, make its tables where they are missing, and check it.

    Raises:
        sqlite3.DatabaseError: The file is damaged, or is no ledger of this schema.
    """
    if read_only:
        # Beside a journal of someone else's nothing may be assumed to stand still.
        idle = not path.with_name(path.name + "-wal").exists()
        uri = path.absolute().as_uri() + ("?immutable=1" if idle else "?mode=ro")
        db = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S)
        db.row_factory = sqlite3.Row
        return db
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o640))
    db = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    try:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        # A study is moved or deleted once its row is written: the row must survive a power cut.
        db.execute("PRAGMA synchronous = FULL")
        _check(db, path)
        db.executescript(_TABLES)
        db.execute("INSERT OR IGNORE INTO meta VALUES ('schema', ?)", (str(SCHEMA_VERSION),))
    except BaseException:
        db.close()
        raise
    return db


def keep_aside(path: Path, now: float) -> Path:
    """Move a damaged ledger, with its journal, out of the way; nothing is deleted."""
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now))
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 0
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    path.replace(aside)
    for suffix in ("-wal", "-shm"):
        journal = path.with_name(path.name + suffix)
        if journal.exists():
            journal.replace(aside.with_name(aside.name + suffix))
    return aside


def _check(db: sqlite3.Connection, path: Path) -> None:
    if path.stat().st_size <= _CHECK_UP_TO_BYTES:
        verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(f"damaged ledger: {verdict}")
    has_meta = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone()
    if not has_meta:
        return
    row = db.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
    if row is not None and row[0] != str(SCHEMA_VERSION):
        raise sqlite3.DatabaseError(f"ledger of schema {row[0]}, this is {SCHEMA_VERSION}")
