"""Shows the pipeline's events: a bar on a terminal, log lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ich_cli.commands._logging import LOGGER
from ich_cli.domain import Series
from ich_cli.pipeline.events import (
    Event,
    FilesSeen,
    Finished,
    Listener,
    Planned,
    Started,
    Trouble,
)

Name = Callable[[Series], str]
"""How a series is called in log lines: by a hash, never by its UIDs or the patient."""

_FILES_A_LINE = 5000


@contextmanager
def showing(console: Console, name: Name, *, bar: bool) -> Iterator[Listener]:
    """Yield a listener that shows events while the block runs.

    Args:
        console: Where the bar is drawn.
        name: The name of a series in log lines.
        bar: Draw a bar; without it there are log lines alone.
    """
    log = _Lines(name)
    if not bar:
        yield log
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        files = progress.add_task("reading headers", total=None)
        scans = progress.add_task("scans", total=None, visible=False)

        def listen(event: Event) -> None:
            log(event)
            if isinstance(event, FilesSeen):
                progress.update(files, completed=event.count)
            elif isinstance(event, Planned):
                progress.update(files, visible=False)
            elif isinstance(event, Started):
                progress.update(scans, total=event.total, visible=True)
            elif isinstance(event, Finished):
                progress.update(scans, completed=event.index + 1)

        yield listen


class _Lines:
    """One log line for what is worth one."""

    def __init__(self, name: Name) -> None:
        self._name = name
        self._said = 0

    def __call__(self, event: Event) -> None:
        if isinstance(event, FilesSeen):
            if event.count >= self._said + _FILES_A_LINE:
                self._said = event.count
                LOGGER.info("%d files read", event.count)
        elif isinstance(event, Planned):
            LOGGER.info(
                "%d files, %d series, %d candidate head CT series",
                *(event.n_files, event.n_series, event.n_candidates),
            )
        elif isinstance(event, Started):
            LOGGER.debug("%d/%d %s begun", event.index + 1, event.total, self._name(event.series))
        elif isinstance(event, Trouble):
            LOGGER.warning(
                "%s: %s in stage %s; the log file has the traceback (--log-file)",
                *(self._name(event.series), type(event.error).__name__, event.stage),
                exc_info=event.error,
            )
        else:
            self._finished(event)

    def _finished(self, event: Finished) -> None:
        result = event.result
        why = f" ({result.reason.code})" if result.reason else ""
        LOGGER.info(
            "%d/%d %s: %s%s, %.1f s",
            *(event.index + 1, event.total, self._name(result.series), result.status.value, why),
            sum(result.timings_s.values()),
        )
