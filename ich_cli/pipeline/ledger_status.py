"""How an output folder stands, read from its ledger without disturbing a run."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ich_cli.errors import OutputError, UsageError
from ich_cli.pipeline.ledger_schema import LEDGER_FILE, connect

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class LastError:
    """A series that failed last; ``series_uid`` is raw and for the caller to hash."""

    finished: float
    series_uid: str
    error: str


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a ledger.

    Attributes:
        n_series: Series that are known.
        states: How many wait, run, are done, failed.
        statuses: Rows of the results by status.
        reasons: Rows that were not analysed, by reason.
        finished_last_hour: Rows finished in the hour before now.
        finished_last_day: Rows finished in the 24 hours before now.
        per_hour: Rows an hour over the last 24 hours, or since the first row if that is
            later; ``None`` where nothing was finished in that time.
        median_seconds: Of work on a series, over the last 1,000.
        last_finished: Seconds since the epoch.
        oldest_waiting: When the series that waits longest was first seen.
        last_errors: The latest first.
        retries: Series that took more than one attempt.
        damaged_ledgers: Ledgers that were kept aside.
    """

    n_series: int
    states: dict[str, int]
    statuses: dict[str, int]
    reasons: dict[str, int]
    finished_last_hour: int
    finished_last_day: int
    per_hour: float | None
    median_seconds: float | None
    last_finished: float | None
    oldest_waiting: float | None
    last_errors: tuple[LastError, ...]
    retries: int
    damaged_ledgers: tuple[str, ...]


@contextmanager
def reading(out: Path) -> Iterator[sqlite3.Connection]:
    """Open the ledger of ``out`` for reading; a run may go on beside it.

    Raises:
        UsageError: There is no ledger.
        OutputError: It is damaged, or cannot be read.
    """
    path = out / LEDGER_FILE
    if not path.is_file():
        raise UsageError(f"there are no results in {out}; name the --out of a scan or a watch")
    try:
        with closing(connect(path, read_only=True)) as db:
            yield db
    except sqlite3.Error as err:
        raise OutputError(
            f"cannot read {path}: {err}; the next `ich scan` into it rebuilds a damaged ledger"
        ) from err


def standing_of(out: Path, now: float, n_errors: int = 5) -> Standing:
    """Read how ``out`` stands at the time ``now`` (seconds since the epoch).

    Raises:
        UsageError: There is no ledger.
        OutputError: It is damaged, or cannot be read.
    """
    with reading(out) as db:
        states = _counts(db, "SELECT state, count(*) FROM series GROUP BY state")
        first, last, day, hour = db.execute(
            "SELECT min(finished), max(finished), count(*) FILTER (WHERE finished > ?), "
            "count(*) FILTER (WHERE finished > ?) FROM series WHERE record IS NOT NULL",
            (now - DAY_S, now - 3600.0),
        ).fetchone()
        errors = db.execute(
            "SELECT finished, series_uid, error FROM series WHERE state = 'failed' "
            "ORDER BY finished DESC LIMIT ?",
            (n_errors,),
        ).fetchall()
        return Standing(
            n_series=sum(states.values()),
            states=states,
            statuses=_counts(
                db,
                "SELECT status, count(*) FROM series WHERE record IS NOT NULL GROUP BY status",
            ),
            reasons=_counts(
                db,
                "SELECT reason, count(*) FROM series WHERE reason IS NOT NULL "
                "GROUP BY reason ORDER BY 2 DESC",
            ),
            finished_last_hour=hour,
            finished_last_day=day,
            per_hour=_per_hour(day, first, now),
            median_seconds=_median(db),
            last_finished=last,
            oldest_waiting=db.execute(
                "SELECT min(first_seen) FROM series WHERE state IN ('waiting', 'running')"
            ).fetchone()[0],
            last_errors=tuple(LastError(f or 0.0, uid, e or "") for f, uid, e in errors),
            retries=db.execute("SELECT count(*) FROM series WHERE attempts > 1").fetchone()[0],
            damaged_ledgers=tuple(
                sorted(
                    path.name
                    for path in out.glob(f"{LEDGER_FILE}.damaged-*")
                    if not path.name.endswith(("-wal", "-shm"))
                )
            ),
        )


def _counts(db: sqlite3.Connection, query: str) -> dict[str, int]:
    return {str(name): int(count) for name, count in db.execute(query)}


def _per_hour(count: int, first: float | None, now: float) -> float | None:
    if not count or first is None:
        return None
    # A clock that jumped may put the first row into the future.
    hours = max(min(DAY_S, now - first), 60.0) / 3600.0
    return count / hours


def _median(db: sqlite3.Connection) -> float | None:
    rows = db.execute(
        "SELECT seconds FROM (SELECT seconds, seq FROM series WHERE seconds IS NOT NULL "
        "ORDER BY seq DESC LIMIT 1000) ORDER BY seconds"
    ).fetchall()
    return float(rows[len(rows) // 2][0]) if rows else None
