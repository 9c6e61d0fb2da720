"""Messages that are still to be delivered, kept on disk, sent by a thread of their own."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ich_cli.errors import OutputError
from ich_cli.pipeline.ledger_schema import keep_aside
from ich_cli.pipeline.notify import DeliveryError, Event

OUTBOX_FILE = "notify.sqlite"
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 3600.0
MAX_ATTEMPTS = 200
"""More than a week of retries; then the receiver is taken to be gone for good."""

Send = Callable[[Event], None]

_TABLE = """
CREATE TABLE IF NOT EXISTS outbox (
    id       TEXT NOT NULL,
    channel  TEXT NOT NULL,
    event    TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (id, channel)
);
"""


class Outbox:
    """Delivers events over channels, each event once per channel that says it succeeded.

    A damaged file is kept aside under another name, and a new one is begun.

    Args:
        out: The output folder.
        channels: Name → how to deliver. Messages of other channels stay where they are.
        on_outcome: Told ``(channel, "delivered" | "retried" | "dropped", detail)``.
        first_pause_s: Before the second attempt; doubles with each further one.
    """

    def __init__(
        self,
        out: Path,
        channels: Mapping[str, Send],
        on_outcome: Callable[[str, str, str], None] = lambda *_: None,
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        path = out / OUTBOX_FILE
        try:
            try:
                self._db = _connect(path)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                aside = keep_aside(path, time.time())
                self._db = _connect(path)
                on_outcome("outbox", "dropped", f"it was damaged and is kept as {aside.name}")
        except (OSError, sqlite3.Error) as err:
            raise OutputError(f"cannot open {path}: {err}; check permissions") from err
        self._channels = dict(channels)
        self._on_outcome = on_outcome
        self._first_pause_s = first_pause_s
        # Times to try again live in memory: after a restart all are due, whatever the clock did.
        self._not_before: dict[tuple[str, str], float] = {}
        # Delivered, but still on disk should it have failed: only to be taken off it.
        self._sent: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._deliver_all, name="ich-notify", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def use(self, channels: Mapping[str, Send]) -> None:
        """Go on with other channels."""
        self._channels = dict(channels)
        self._wake.set()

    def close(self, grace_s: float = 5.0) -> None:
        """Stop; what is not delivered by then stays for the next start."""
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(grace_s)
        if not self._thread.is_alive():
            self._db.close()

    def add(self, event: Event) -> None:
        """Keep an event for every channel; one that is there already is not kept twice."""
        text = json.dumps(event)
        try:
            with self._lock, self._db:
                self._db.executemany(
                    "INSERT OR IGNORE INTO outbox (id, channel, event) VALUES (?, ?, ?)",
                    [(event["id"], channel, text) for channel in self._channels],
                )
        except sqlite3.Error as err:
            raise OutputError(f"cannot keep a notification: {err}; check free space") from err
        self._wake.set()

    def count(self) -> int | None:
        """Messages not yet delivered; ``None`` when the file cannot be read.

        That is no reason to stop: whoever delivers tells of it, and tries again.
        """
        try:
            with self._lock:
                return int(self._db.execute("SELECT count(*) FROM outbox").fetchone()[0])
        except sqlite3.Error:
            return None

    def _deliver_all(self) -> None:
        failures = 0
        while not self._closing.is_set():
            self._wake.clear()
            try:
                self._deliver_due()
            except sqlite3.Error as err:
                # Full, locked or damaged, perhaps for now only: nothing else would deliver.
                self._on_outcome("outbox", "retried", f"{OUTBOX_FILE} cannot be used: {err}")
                self._closing.wait(self._pause_after(failures))
                failures += 1
            else:
                failures = 0
                self._wake.wait(self._pause())

    def _deliver_due(self) -> None:
        for identity, channel, text, attempts in self._due():
            if self._closing.is_set():
                return
            self._deliver(identity, channel, text, attempts)

    def _due(self) -> list[tuple[str, str, str, int]]:
        now, channels = time.monotonic(), self._channels
        with self._lock:
            rows = self._db.execute(
                "SELECT id, channel, event, attempts FROM outbox ORDER BY rowid"
            ).fetchall()
        return [
            row
            for row in rows
            if row[1] in channels and self._not_before.get((row[0], row[1]), 0.0) <= now
        ]

    def _pause(self) -> float:
        waits = [at - time.monotonic() for at in self._not_before.values()]
        return max(0.05, min([*waits, 60.0]))

    def _pause_after(self, failures: int) -> float:
        """Seconds; doubles with each failure before."""
        return min(self._first_pause_s * 2.0 ** min(failures, 64), LONGEST_PAUSE_S)

    def _deliver(self, identity: str, channel: str, text: str, attempts: int) -> None:
        send = self._channels.get(channel)
        if send is None:
            return
        try:
            if (identity, channel) not in self._sent:
                send(json.loads(text))
        except DeliveryError as error:
            if attempts + 1 < MAX_ATTEMPTS:
                pause = self._pause_after(attempts)
                self._not_before[identity, channel] = time.monotonic() + pause
                self._on_outcome(channel, "retried", str(error))
                self._change("UPDATE outbox SET attempts = attempts + 1", identity, channel)
                return
            outcome, detail = "dropped", str(error)
        else:
            outcome, detail = "delivered", ""
            self._sent.add((identity, channel))
        self._not_before.pop((identity, channel), None)
        self._change("DELETE FROM outbox", identity, channel)
        self._sent.discard((identity, channel))
        self._on_outcome(channel, outcome, detail)

    def _change(self, statement: str, identity: str, channel: str) -> None:
        with self._lock, self._db:
            self._db.execute(f"{statement} WHERE id = ? AND channel = ?", (identity, channel))


def _connect(path: Path) -> sqlite3.Connection:
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o640))
    db = sqlite3.connect(path, check_same_thread=False)
    try:
        db.executescript(_TABLE)
    except BaseException:
        db.close()
        raise
    return db
