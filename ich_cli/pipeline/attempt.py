"""The one place that catches everything: a bad series must never stop a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ich_cli.errors import IchError

T = TypeVar("T")


def attempt(work: Callable[[], T]) -> T | Exception:
    """Do ``work``; give its result, or the exception it ended with.

    Raises:
        IchError: Errors that end the whole run (full disk, lost device) pass through.
    """
    try:
        return work()
    except IchError:
        raise
    except Exception as error:  # noqa: BLE001
        return error
