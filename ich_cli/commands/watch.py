"""``ich watch``: scan studies as they arrive in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ich_cli.commands._options import (
    RUN,
    Batch,
    Device,
    KeepPhi,
    LogFile,
    Model,
    Nice,
    Out,
    Quiet,
    Threads,
    Verbose,
)

_WATCH = "Watching"
_TELL = "Telling"


def watch(
    folders: Annotated[
        list[Path], typer.Argument(help="Folders that studies arrive in.", show_default=False)
    ],
    out: Out = None,
    settle: Annotated[
        float | None,
        typer.Option(
            help="Seconds a study must be quiet for before it is taken.", rich_help_panel=_WATCH
        ),
    ] = None,
    poll: Annotated[
        float | None,
        typer.Option(
            help="Look every so many seconds; for NFS and SMB, which tell no events.",
            rich_help_panel=_WATCH,
        ),
    ] = None,
    on_done: Annotated[
        str | None,
        typer.Option(
            help="keep, move or delete the files of analysed studies.", rich_help_panel=_WATCH
        ),
    ] = None,
    done_to: Annotated[
        Path | None, typer.Option(help="Where move moves to.", rich_help_panel=_WATCH)
    ] = None,
    until_idle: Annotated[
        float | None,
        typer.Option(
            help="End when nothing has waited for so many seconds.", rich_help_panel=_WATCH
        ),
    ] = None,
    on_positive: Annotated[
        str | None,
        typer.Option(
            help="Command for each positive scan; gets JSON on its input.", rich_help_panel=_TELL
        ),
    ] = None,
    notify: Annotated[
        str | None,
        typer.Option(
            help="URL to post positive scans to, signed with ICH_NOTIFY_SECRET.",
            rich_help_panel=_TELL,
        ),
    ] = None,
    notify_uids: Annotated[
        bool | None,
        typer.Option("--notify-uids", help="Send UIDs, not hashes.", rich_help_panel=_TELL),
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(help="Serve Prometheus metrics here.", rich_help_panel=_TELL)
    ] = None,
    metrics_address: Annotated[
        str | None, typer.Option(help="127.0.0.1 by default.", rich_help_panel=_TELL)
    ] = None,
    metrics_file: Annotated[
        Path | None,
        typer.Option(help="Metrics as text; OUT/metrics.prom by default.", rich_help_panel=_TELL),
    ] = None,
    model: Model = None,
    device: Device = None,
    batch: Batch = None,
    threads: Threads = None,
    keep_phi: KeepPhi = None,
    nice: Nice = None,
    config: Annotated[
        Path | None,
        typer.Option(help="Configuration file; SIGHUP reads it again.", rich_help_panel=RUN),
    ] = None,
    log_file: LogFile = None,
    quiet: Quiet = None,
    verbose: Verbose = None,
) -> None:
    """Scan studies as they arrive; ends cleanly on SIGTERM, after the series in hand."""
    flags = dict(locals())
    from ich_cli.commands._watch import run_watch

    for name in ("folders", "config", "until_idle"):
        del flags[name]
    raise typer.Exit(int(run_watch(tuple(folders), flags, config, until_idle)))
