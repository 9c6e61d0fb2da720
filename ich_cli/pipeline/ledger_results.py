"""Keeps the results files consistent with the ledger.

``results.jsonl`` grows by a line as each scan finishes; the others are written anew,
atomically, but never for more than a small share of the time. Which state of the ledger
the files show, and how large they were then, is noted in the ledger: whatever happened to
either side since, the next run sees it without reading the files, and rebuilds them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from ich_cli.pipeline.ledger import Ledger, Stored
from ich_cli.pipeline.ledger_adopt import adopt_results
from ich_cli.reports import FORMATS
from ich_cli.reports.jsonl import JsonlWriter

CORE_FORMATS = ("csv", "json", "jsonl")
_NOTE = "published"
_BUSY_SHARE, _IDLE_SHARE = 0.02, 0.2
"""At most this share of the time goes into rewriting files."""


class Results:
    """The results files of one ledger.

    Args:
        ledger: Open, its folder locked by the caller.
        formats: Names out of :data:`ich_cli.reports.FORMATS`, ``jsonl`` among them.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        ledger: Ledger,
        formats: Iterable[str] = CORE_FORMATS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._formats = tuple(dict.fromkeys((*formats, "jsonl")))
        self._clock = clock
        self._rewritten, self._took = clock(), 0.0
        self._jsonl_stale = False
        self._stale = False
        self._revision = ledger.revision
        self._writer: JsonlWriter | None = None

    def close(self) -> None:
        """Let go of the file that is appended to; ``publish`` is the caller's to call."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def reconcile(self) -> bool:
        """Rebuild the files when they do not show what the ledger holds.

        A ledger that has never shown anything, because the old one was damaged or is gone,
        is first filled from the results that are there: they are not to be lost.

        Returns:
            Whether anything had to be rebuilt.
        """
        if self._ledger.note(_NOTE) is None:
            adopt_results(self._ledger)
        if self._ledger.note(_NOTE) == self._signature():
            return False
        self._rewrite(self._formats)
        return True

    def add(self, stored: Stored) -> None:
        """Show one more finished record."""
        self._stale = True
        self._revision += 1
        self._note_retired()
        if stored.replaced:
            self._jsonl_stale = True
        if not self._jsonl_stale:
            if self._writer is None:
                self._writer = JsonlWriter(self._path("jsonl"))
            self._writer.append(stored.record)
        self.publish_if_due()

    def publish_if_due(self, *, idle: bool = False) -> None:
        """Write what is not yet shown, unless that was done a short while ago."""
        pause = self._took / (_IDLE_SHARE if idle else _BUSY_SHARE)
        if self._stale and self._clock() >= self._rewritten + pause:
            self.publish()

    def publish(self) -> None:
        """Write what is not yet shown; nothing where nothing changed."""
        if not self._stale and self._ledger.note(_NOTE) == self._signature():
            return
        self._note_retired()
        appended = () if self._jsonl_stale else ("jsonl",)
        self._rewrite(tuple(name for name in self._formats if name not in appended))

    def _note_retired(self) -> None:
        """A revision that no added record explains took rows out; their lines are still there."""
        if self._ledger.revision != self._revision:
            self._jsonl_stale = True

    def _rewrite(self, formats: Iterable[str]) -> None:
        began = self._clock()
        self._ledger.still_there()
        for name in formats:
            if name == "jsonl":
                self.close()
            FORMATS[name].writer()(self._ledger.rows(), self._path(name))
        self._stale = self._jsonl_stale = False
        self._revision = self._ledger.revision
        self._ledger.keep_note(_NOTE, self._signature())
        self._rewritten = self._clock()
        self._took = self._rewritten - began

    def _signature(self) -> str:
        """The ledger's state and the files' as they are now."""
        files = {name: _stamp(self._path(name)) for name in self._formats}
        return json.dumps({"revision": self._ledger.revision, "files": files}, sort_keys=True)

    def _path(self, name: str) -> Path:
        return self._ledger.out / FORMATS[name].filename


def _stamp(path: Path) -> list[int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return [stat.st_size, stat.st_mtime_ns]
