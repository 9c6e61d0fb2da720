"""``ich compare``: networks and second readers on the same scans or slices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from ich_cli.commands._options import Draws, Layout, TableFormat


def compare(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="A B [C...]",
            help="results.json or output folders of 'ich scan', and CSVs of recorded answers.",
        ),
    ],
    labels: Annotated[Path, typer.Option("--labels", help="The truth, as for 'ich evaluate'.")],
    layout: Layout = None,
    level: Annotated[
        str | None, typer.Option(help="scan or slice; by the labels if not given.")
    ] = None,
    protocol: Annotated[
        str,
        typer.Option(
            help="patients (all cases) or slices10 (a random tenth of the slices, as published; "
            "slices of one patient then fall on both sides)."
        ),
    ] = "patients",
    table: TableFormat = "text",
    out: Annotated[
        Path | None, typer.Option(help="Write the tables here instead of to the terminal.")
    ] = None,
    draws: Draws = 1000,
    seed: Annotated[int, typer.Option(help="Seed of bootstrap and protocol.")] = 0,
) -> None:
    """Compare readers on the cases that all of them answered.

    Presence, subtype (macro-averaged), location and volume, with McNemar and DeLong tests and
    kappa for every pair. The second reader of 'ich scan --mllm' is a reader of its own.
    """
    from ich_cli.commands._evaluation import hashed_patient, slice_thresholds, write_text
    from ich_cli.errors import UsageError
    from ich_cli.evaluation.experiment import run_experiment
    from ich_cli.evaluation.presence import Resampling
    from ich_cli.evaluation.readers import Level
    from ich_cli.evaluation.tables import writer_of

    if level not in (None, "scan", "slice"):
        raise UsageError(f"unknown level {level!r}; choose scan or slice")
    write = writer_of(table)
    found = run_experiment(
        sources,
        labels,
        Resampling(draws, seed),
        layout=layout,
        level=cast("Level | None", level),
        protocol=protocol,
        alias=hashed_patient(),
        thresholds=slice_thresholds,
    )
    text = write(found.tables)
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_text(out, text)
    for note in found.notes:
        typer.echo(f"Note: {note}", err=True)
