"""Little room for calls within calls, so that deep folders need not be very deep."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager

ROOM = 100


@contextmanager
def few_calls() -> Iterator[None]:
    """Allow ``ROOM`` calls within one another, from here on, while the block runs."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + ROOM)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
