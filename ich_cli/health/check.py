"""One thing that was looked at, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class State(str, Enum):
    """How a checked thing stands; only ``FAILED`` makes an installation unfit."""

    OK = "ok"
    INFO = "info"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, what was found, and what to do about it.

    ``group`` is a stable word to filter by. No field ever holds a key or an identifier.
    """

    group: str
    name: str
    state: State
    found: str
    advice: str = ""
