"""``ich evaluate``: measure results against labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ich_cli.commands._options import Draws, Layout, TableFormat


def evaluate(
    results: Annotated[
        Path, typer.Argument(help="results.json (or .jsonl), or the output folder of 'ich scan'.")
    ],
    labels: Annotated[
        Path,
        typer.Argument(
            help="CSV of labels (own, RSNA 2019, CQ500, PhysioNet CT-ICH), or a folder of NIfTI "
            "masks (BHSD, INSTANCE)."
        ),
    ],
    layout: Layout = None,
    prevalence: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="Also give PPV and NPV at this prevalence."),
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(
            help="Folder of predicted masks ('ich scan --masks nifti'), for Dice and IoU; "
            "that in the output folder when not given."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write evaluation.json here, for 'ich report'; beside the results when not given."
        ),
    ] = None,
    table: TableFormat = "text",
    draws: Draws = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
) -> None:
    """Measure results against labels: presence, subtypes, volume, location, by subgroup.

    Intervals are Wilson's for proportions, DeLong's for AUC, and by a bootstrap over
    patients for everything else. A scan that could not be read is never counted as negative.
    """
    from ich_cli.commands._evaluation import hashed_patient, slice_thresholds, write_text
    from ich_cli.errors import UsageError
    from ich_cli.evaluation.evaluate import evaluate as measure
    from ich_cli.evaluation.layouts import load_labels
    from ich_cli.evaluation.match import match
    from ich_cli.evaluation.overlap import overlap_tables
    from ich_cli.evaluation.presence import Resampling
    from ich_cli.evaluation.results import load_results
    from ich_cli.evaluation.store import to_json
    from ich_cli.evaluation.tables import writer_of

    write = writer_of(table)
    scans = load_results(results)
    truth = load_labels(labels, layout)
    matched = match(scans, truth, hashed_patient())
    if not matched.scans and not matched.slices:
        raise UsageError(
            f"no label of {labels} belongs to a result of {results}; use the study or series UID "
            "as id, or scan with --keep-phi where labels name patients"
        )
    folder = results if results.is_dir() else results.parent
    if masks is None and truth.layout == "masks" and (folder / "masks").is_dir():
        masks = folder / "masks"
    how = Resampling(draws, seed, prevalence)
    found = measure(
        matched,
        how,
        slice_thresholds=slice_thresholds(scans),
        extra=overlap_tables(matched.scans, masks) if masks else (),
        notes=truth.notes,
        source={"results": results.name, "labels": labels.name, "layout": truth.layout},
    )
    typer.echo(write(found.tables), nl=False)
    for note in found.notes:
        typer.echo(f"Note: {note}", err=True)
    write_text((out or folder / "evaluation.json"), to_json(found))
