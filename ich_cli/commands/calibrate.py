"""``ich calibrate``: fit a network's temperatures and thresholds to a site's own scans."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ich_cli.commands._options import Layout


def calibrate(
    results: Annotated[
        Path, typer.Argument(help="results.json, or the output folder of 'ich scan'.")
    ],
    labels: Annotated[Path, typer.Argument(help="The truth, as for 'ich evaluate'.")],
    model: Annotated[
        str | None, typer.Option(help="Network or card; that of the results if not given.")
    ] = None,
    point: Annotated[
        str, typer.Option("--at", help="Operating point: sensitivity=0.95 or specificity=0.90.")
    ] = "sensitivity=0.95",
    name: Annotated[
        str | None, typer.Option(help="Name of the local card; <model>-local if not given.")
    ] = None,
    layout: Layout = None,
) -> None:
    """Write a local card beside the weights, with temperatures and thresholds of your scans.

    The original card and the weights stay untouched; scan with --model <name> to use it.
    Refuses when there are too few labelled scans, and says how many are needed.
    """
    from ich_cli.commands._calibrate import card_of, current_of, write_card
    from ich_cli.commands._evaluation import hashed_patient
    from ich_cli.evaluation.calibrate import calibrate as fit_card
    from ich_cli.evaluation.calibrate_tables import calibration_table
    from ich_cli.evaluation.examinations import notes_on_shared_labels
    from ich_cli.evaluation.fit import parse_point
    from ich_cli.evaluation.layouts import load_labels
    from ich_cli.evaluation.match import match
    from ich_cli.evaluation.results import load_results
    from ich_cli.evaluation.tables import to_text

    wanted = parse_point(point)
    scans = load_results(results)
    path, card = card_of(scans, model)
    current = current_of(card)
    truth = load_labels(labels, layout)
    matched = match(scans, truth, hashed_patient())
    fit = fit_card(matched, current, wanted)
    written = write_card(path, card, name, fit)
    typer.echo(to_text([calibration_table(fit, current)]), nl=False)
    for note in (*truth.notes, *notes_on_shared_labels(matched.scans)):
        typer.echo(f"Note: {note}", err=True)
    typer.echo(f"{written}; use it with: ich scan --model {written.stem}")
