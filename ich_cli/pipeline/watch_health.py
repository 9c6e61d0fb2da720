"""The health file: one small JSON that says whether the watcher lives and how it fares."""

from __future__ import annotations

import json
import os
import socket
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import ich_cli
from ich_cli.reports.atomic import atomic_text

HEALTH_FILE = "health.json"


@dataclass(slots=True)
class Health:
    """How the watcher fares; times are seconds since the epoch, ``None`` is never or unknown."""

    state: str = "starting"
    started: float = field(default_factory=time.time)
    updated: float = 0.0
    last_scan: float | None = None
    last_error: str | None = None
    studies_done: int = 0
    studies_waiting: int = 0
    files_waiting: int = 0
    oldest_waiting_s: float | None = None
    notifications_waiting: int | None = 0
    pid: int = field(default_factory=os.getpid)
    host: str = field(default_factory=socket.gethostname)
    version: str = ich_cli.__version__

    def write(self, out: Path) -> None:
        """Write the file anew, atomically.

        Raises:
            OutputError: It cannot be written.
        """
        self.updated = time.time()
        with atomic_text(out / HEALTH_FILE) as file:
            json.dump(asdict(self), file, indent=1)
            file.write("\n")


def read_health(out: Path) -> dict[str, Any] | None:
    """The health file of an output folder, or ``None`` where there is none to be read."""
    try:
        health = json.loads((out / HEALTH_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return health if isinstance(health, dict) else None
