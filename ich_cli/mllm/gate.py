"""One door for all requests of a run: so many at once, so many a minute, none if hopeless."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ich_cli.mllm.wire import FINAL, RETRIABLE, Fault, ProviderError

REST_S = 900.0
"""After a wrong key or an empty account nothing is sent for so long. Not for ever: a run of
``ich watch`` lasts for years, and an account is filled up again."""


class Gate:
    """Concurrency, rate, and the memory of what has failed. Shared by all threads of a run."""

    def __init__(self, concurrency: int, requests_per_minute: float | None, outage_after: int):
        self._seats = threading.BoundedSemaphore(concurrency)
        self._interval_s = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._outage_after = outage_after
        self._lock = threading.Lock()
        self._next_at = 0.0
        self._failures = 0
        self._final: ProviderError | None = None
        self._final_until = 0.0
        self._closed = threading.Event()

    @property
    def outage(self) -> bool:
        """Many requests in a row brought nothing: not worth more than one try each."""
        return self._failures >= self._outage_after

    @property
    def closed(self) -> bool:
        """The run is being stopped."""
        return self._closed.is_set()

    def close(self) -> None:
        """Stop: whoever waits for a turn, a pause or an answer gives up at once."""
        self._closed.set()

    def pause(self, seconds: float) -> None:
        """Sleep, unless the gate closes."""
        if self._closed.wait(seconds):
            raise ProviderError(Fault.STOPPED, "the run was stopped")

    def check(self) -> None:
        """Raise the error that no request will escape, if there was one of late."""
        if self._final is not None and time.monotonic() < self._final_until:
            raise ProviderError(self._final.fault, self._final.detail)

    def turn_in_s(self, within_s: float) -> float | None:
        """Take the next place in the queue; seconds until it may be used.

        ``None`` where it is farther away than ``within_s``: then it is left to another.
        """
        with self._lock:
            now = time.monotonic()
            at = max(now, self._next_at)
            if at - now > within_s:
                return None
            self._next_at = at + self._interval_s
            return at - now

    def hold(self, seconds: float) -> None:
        """The server asked everyone to wait."""
        with self._lock:
            self._next_at = max(self._next_at, time.monotonic() + seconds)

    @contextmanager
    def seat(self) -> Iterator[None]:
        """One of the places for requests under way."""
        with self._seats:
            yield

    def note(self, error: ProviderError | None) -> None:
        """Remember how a request ended; ``None`` is well."""
        with self._lock:
            if error is None:
                self._failures = 0
            elif error.fault in FINAL:
                self._final = error
                self._final_until = time.monotonic() + REST_S
            elif error.fault in RETRIABLE:
                self._failures += 1
