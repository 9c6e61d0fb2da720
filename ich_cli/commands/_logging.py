"""Where log lines go: the terminal for the reader, the log file for the rest."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ich_cli.errors import OutputError

LOGGER = logging.getLogger("ich")
_FORMAT = "%(asctime)s %(levelname)s %(message)s"


class _WithoutTraceback(logging.Formatter):
    """Tracebacks are for the log file; their text may hold header values."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{record.levelname.lower()}: {record.getMessage()}"


@contextmanager
def logging_to(
    log_file: Path | None, *, quiet: bool, verbose: bool, plain_progress: bool
) -> Iterator[None]:
    """Set the program's logger up for one command.

    Args:
        log_file: Gets everything, with times and tracebacks; appended to.
        quiet: Only errors on the terminal.
        verbose: Everything but tracebacks on the terminal.
        plain_progress: There is no progress bar: progress goes to the terminal as lines.

    Raises:
        OutputError: The log file cannot be written.
    """
    console = logging.StreamHandler(sys.stderr)
    console.setFormatter(_WithoutTraceback())
    level = logging.INFO if plain_progress else logging.WARNING
    console.setLevel(logging.ERROR if quiet else logging.DEBUG if verbose else level)
    handlers: list[logging.Handler] = [console]
    if log_file is not None:
        handlers.append(_open(log_file))
    LOGGER.setLevel(logging.DEBUG)
    LOGGER.propagate = False
    for handler in handlers:
        LOGGER.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            LOGGER.removeHandler(handler)
            handler.close()


def _open(path: Path) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as err:
        raise OutputError(
            f"cannot write the log file {path}: {err.strerror}; choose another with --log-file"
        ) from err
    handler.setFormatter(logging.Formatter(_FORMAT))
    handler.setLevel(logging.DEBUG)
    return handler
