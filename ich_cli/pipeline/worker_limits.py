"""What the worker process may use, and how its end is told."""

from __future__ import annotations

import math
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_GIB = 2**30
_FIRST_TO_GO = "900"
"""Where memory runs out all the same, the system ends the worker and not the run."""


def _default_memory() -> int:
    """Half of the machine's memory, at least 2 GiB."""
    try:
        physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 8 * _GIB
    return max(2 * _GIB, physical // 2)


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one series may cost.

    Attributes:
        seconds: Wall time; more is a hang.
        memory_bytes: Memory of the worker beyond what it needs to run at all.
    """

    seconds: float = 600.0
    memory_bytes: int = field(default_factory=_default_memory)


def limit_process(limits: Limits) -> None:
    """Bound this process; called once, in the worker."""
    # Ctrl-C and service managers signal the whole group; the parent decides when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if sys.platform == "linux":
        import resource

        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        used = pages * resource.getpagesize()
        with suppress(ValueError, OSError):
            _, hard = resource.getrlimit(resource.RLIMIT_AS)
            resource.setrlimit(resource.RLIMIT_AS, (used + limits.memory_bytes, hard))
        with suppress(OSError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO, "ascii")


def alarm(seconds: float | None) -> None:
    """End this process by itself some time after ``seconds``; ``None`` calls that off.

    The parent kills a worker that is late; this is for a worker whose parent is dead. The
    kernel does it: a decoder that hangs in C would let no Python code run.
    """
    if sys.platform == "win32":
        return
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(0 if seconds is None else math.ceil(seconds) + 5)


def name_exit(code: int | None) -> str:
    """How a process ended, in words."""
    if code is None:
        return "an unknown end"
    if code < 0:
        with suppress(ValueError):
            return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"
