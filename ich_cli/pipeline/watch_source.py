"""Tells which files have come, changed or gone in the watched folders.

The system's own events (inotify and its like) where they exist, polling for network
folders; the queue between is bounded, and what did not fit is found by looking through the
folders again.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.observers.polling import PollingObserver

from ich_cli.errors import UsageError

_WANTED: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]


@dataclass(frozen=True, slots=True)
class Change:
    """A file, or a folder to be looked through, has come or changed; or it has gone."""

    path: Path
    gone: bool = False
    folder: bool = False


class Source:
    """The changes in some folders. Use it as a context manager.

    Args:
        folders: Watched with everything below them.
        poll_s: Compare listings every so many seconds instead of asking for events.
        max_queue: Changes kept at a time.
    """

    def __init__(
        self, folders: Sequence[Path], poll_s: float | None = None, max_queue: int = 50_000
    ) -> None:
        self.folders = tuple(folders)
        self._changes: queue.Queue[Change] = queue.Queue(max_queue)
        self._lost = threading.Event()
        self._observer: BaseObserver = (
            Observer() if poll_s is None else PollingObserver(timeout=poll_s)
        )

    def __enter__(self) -> Source:
        handler = _Handler(self._put)
        try:
            for folder in self.folders:
                self._observer.schedule(handler, str(folder), recursive=True, event_filter=_WANTED)
            self._observer.start()
        except OSError as err:
            raise UsageError(
                f"cannot watch {', '.join(map(str, self.folders))}: {err.strerror}; "
                "use --poll SECONDS, or raise fs.inotify.max_user_watches"
            ) from err
        return self

    def __exit__(self, *_: object) -> None:
        self._observer.stop()
        self._observer.join(timeout=10)

    @property
    def alive(self) -> bool:
        """Whether changes in all folders are still being told.

        One thread a folder finds them, one more hands them on; any of them may die of an
        error of the system, or end because its folder went away for a moment.
        """
        threads = (self._observer, *self._observer.emitters)
        return all(thread.is_alive() for thread in threads)

    def wait(self, seconds: float) -> list[Change]:
        """The changes there are; waits up to ``seconds`` for the first."""
        changes = []
        with suppress(queue.Empty):
            changes.append(self._changes.get(timeout=max(0.0, seconds)))
            while True:
                changes.append(self._changes.get_nowait())
        return changes

    def lost_some(self) -> bool:
        """Whether changes were dropped since this was asked last."""
        lost = self._lost.is_set()
        self._lost.clear()
        return lost

    def _put(self, change: Change) -> None:
        try:
            self._changes.put_nowait(change)
        except queue.Full:
            self._lost.set()


class _Handler(FileSystemEventHandler):
    def __init__(self, put: Callable[[Change], None]) -> None:
        self._put = put

    def on_any_event(self, event: FileSystemEvent) -> None:
        source, target = (Path(os.fsdecode(p)) for p in (event.src_path, event.dest_path))
        if isinstance(event, (DirCreatedEvent, DirMovedEvent)):
            # What was in a folder before it was watched has told nothing.
            self._put(Change(target if event.dest_path else source, folder=True))
        elif isinstance(event, FileMovedEvent):
            self._put(Change(source, gone=True))
            self._put(Change(target))
        else:
            self._put(Change(source, gone=isinstance(event, FileDeletedEvent)))


def walk_files(folder: Path) -> Iterator[Path]:
    """Plain files below ``folder``; links are not followed, what cannot be read is passed over."""
    to_visit = [folder]
    while to_visit:
        path = to_visit.pop()
        try:
            with os.scandir(path) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        folders = []
        for entry in found:
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                elif entry.is_file(follow_symlinks=False):
                    yield Path(entry.path)
        to_visit.extend(reversed(folders))
