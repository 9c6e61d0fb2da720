"""``ich config``: which settings apply, and where each came from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ich_cli.commands._options import AsJson

app = typer.Typer(help="Show the settings that apply and where they came from.")


@app.callback()
def _config() -> None:
    """Show the settings that apply and where they came from."""


@app.command()
def show(
    config: Annotated[
        Path | None, typer.Option("--config", help="Configuration file; default ./ich.yaml.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print every setting, its value, and where the value came from."""
    import json

    from ich_cli.config import resolve

    facts = resolve({}, config=config).facts()
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    from rich.console import Console
    from rich.markup import escape

    from ich_cli.commands._table import plain_table

    table = plain_table("setting", "value", "from")
    for name, fact in facts.items():
        value = "" if fact["value"] is None else json.dumps(fact["value"], ensure_ascii=False)
        table.add_row(name, escape(value), escape(fact["source"]))
    Console().print(table)
