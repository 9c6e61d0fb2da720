"""``ich schema``: the JSON Schema of what ``ich`` writes."""

from __future__ import annotations

from typing import Annotated

import typer


def schema(
    which: Annotated[
        str, typer.Argument(help="results (one object of results.json/jsonl) or run (run.json).")
    ] = "results",
) -> None:
    """Print the JSON Schema of results.json/results.jsonl or of run.json."""
    from ich_cli.reports.schema import schema_text

    typer.echo(schema_text(which), nl=False)
