"""``ich report``: the results of a run as a page to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    out: Annotated[
        Path, typer.Argument(help="Output folder of 'ich scan', or a results.json.", metavar="OUT")
    ],
    page: Annotated[
        Path | None, typer.Option("--to", help="The page; report.html in OUT when not given.")
    ] = None,
    split: Annotated[
        bool,
        typer.Option("--split", help="Put the pictures beside the page; they load scan by scan."),
    ] = False,
    evaluation: Annotated[
        Path | None,
        typer.Option(help="evaluation.json of 'ich evaluate'; that in OUT when not given."),
    ] = None,
) -> None:
    """Write one page with worklist, scans and evaluation that needs no network.

    Pictures of slices are there when the scan was run with --html.
    """
    from ich_cli.evaluation.results import load_records
    from ich_cli.reports.html_ import FILENAME, write_report

    folder = out if out.is_dir() else out.parent
    written = write_report(
        load_records(out), page or folder / FILENAME, folder, split=split, evaluation=evaluation
    )
    typer.echo(f"{written.page}: {written.scans} scans, {written.with_images} with pictures")
    if written.parts is not None:
        typer.echo(f"{written.parts}: the pictures; keep this folder beside the page")
