"""Stopping cleanly: the first signal ends the run after the series in hand."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM") if hasattr(signal, name))


class Stop:
    """Whether, and why, the run should end before its work is done.

    Args:
        time_limit_s: Seconds after which no further series is begun.
    """

    def __init__(self, time_limit_s: float | None = None) -> None:
        self._asked: str | None = None
        self._deadline = None if time_limit_s is None else time.monotonic() + time_limit_s

    def ask(self, reason: str) -> None:
        """Ask the run to end after the series in hand."""
        self._asked = self._asked or reason

    @property
    def interrupted(self) -> bool:
        """Whether someone asked; a time limit that has passed is no interruption."""
        return self._asked is not None

    @property
    def reason(self) -> str | None:
        """Why to stop now, or ``None``."""
        if self._asked is None and self._deadline is not None and time.monotonic() > self._deadline:
            return "time limit"
        return self._asked


@contextmanager
def stop_on_signals(stop: Stop) -> Iterator[None]:
    """Turn the first SIGINT or SIGTERM into ``stop``; a second one interrupts at once.

    Only the main thread can do this; elsewhere signals stay as they are.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Any] = {}

    def first(number: int, _: FrameType | None) -> None:
        stop.ask(f"signal {signal.Signals(number).name}")
        for each in before:
            signal.signal(each, _interrupt)

    for number in _SIGNALS:
        before[number] = signal.signal(number, first)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
