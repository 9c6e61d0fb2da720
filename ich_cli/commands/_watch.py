"""What ``ich watch`` does once its options are parsed."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from ich_cli.commands._logging import LOGGER, logging_to
from ich_cli.commands._progress import showing
from ich_cli.commands._scan import be_nice, tell_of_defaults, tell_what_leaves
from ich_cli.config import Resolved, resolve
from ich_cli.errors import ExitCode, UsageError
from ich_cli.pipeline.assemble import assemble
from ich_cli.pipeline.stop import Stop, stop_on_signals
from ich_cli.pipeline.watch_service import Setup, WatchService
from ich_cli.pipeline.watch_settings import WatchSettings


def run_watch(
    folders: tuple[Path, ...],
    flags: Mapping[str, Any],
    config: Path | None,
    until_idle: float | None,
) -> ExitCode:
    """Resolve the settings and watch until told to stop."""
    resolved = resolve(_scan_flags(flags), config=config)
    settings = resolved.settings
    be_nice(settings.nice)
    with logging_to(
        settings.log_file,
        quiet=settings.quiet,
        verbose=settings.verbose,
        plain_progress=True,
    ):
        setup = _set_up(folders, resolved, flags)
        assembly = setup[0]
        tell_what_leaves(assembly, Console(stderr=True))
        stop = Stop()
        LOGGER.info("model %s on %s", assembly.network.card.name, assembly.network.provider)
        with (
            showing(Console(stderr=True), assembly.series_name, bar=False) as listen,
            stop_on_signals(stop),
            _reload_on_hangup() as reload_asked,
            WatchService(setup, stop, listen, LOGGER.warning).running(folders) as service,
        ):
            LOGGER.info("watching %s into %s", ", ".join(map(str, folders)), settings.out)

            def reload() -> Setup | None:
                if not reload_asked.pop("asked", False):
                    return None
                LOGGER.info("reading the configuration again")
                return _set_up(folders, resolve(_scan_flags(flags), config=config), flags)

            service.run(reload, until_idle)
        LOGGER.info("stopped: %s", stop.reason or "idle")
    return ExitCode.OK


def _set_up(folders: tuple[Path, ...], resolved: Resolved, flags: Mapping[str, Any]) -> Setup:
    assembly = assemble(folders, resolved, command=("ich", *sys.argv[1:]))
    tell_of_defaults(assembly.network.card)
    return assembly, _watch_settings(resolved.settings.watch, flags)


def _scan_flags(flags: Mapping[str, Any]) -> dict[str, Any]:
    return {name: flags[name] for name in flags if name not in WatchSettings.model_fields}


def _watch_settings(section: WatchSettings, flags: Mapping[str, Any]) -> WatchSettings:
    """The section of the configuration file, with the flags over it."""
    given = {
        name: flags[name] for name in WatchSettings.model_fields if flags.get(name) is not None
    }
    try:
        return WatchSettings.model_validate(section.model_dump() | given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = "--" + str(first["loc"][0]).replace("_", "-") if first["loc"] else "watch"
        raise UsageError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None


@contextmanager
def _reload_on_hangup() -> Iterator[dict[str, bool]]:
    """Note SIGHUP; the loop looks whether it came."""
    noted: dict[str, bool] = {}
    if not hasattr(signal, "SIGHUP"):
        yield noted
        return
    before = signal.signal(signal.SIGHUP, lambda *_: noted.update(asked=True))
    try:
        yield noted
    finally:
        signal.signal(signal.SIGHUP, before)
