"""``ich models``: the networks at hand, their licences, and whether they are intact."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ich_cli.notice import NOTICE

if TYPE_CHECKING:
    from ich_cli.models.inventory import Entry


def models(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with the whole cards.")] = False,
) -> None:
    """List the networks that --model takes by name: shipped, and in ICH_WEIGHTS."""
    from ich_cli.models.inventory import take_stock

    entries = take_stock()
    if as_json:
        import json

        typer.echo(json.dumps([_facts(entry) for entry in entries], indent=2))
        return
    if not entries:
        typer.echo("No networks found; put cards into a folder and name it in ICH_WEIGHTS.")
        return
    _print_table(entries)


def _facts(entry: Entry) -> dict[str, Any]:
    card = entry.card
    return {
        "name": entry.name,
        "path": str(entry.path),
        "usable": not entry.problem,
        "problem": entry.problem or None,
        "size_bytes": entry.size_bytes or None,
        "sha256": card.sha256 if card is not None else None,
        "card": card.model_dump(mode="json", by_alias=True) if card is not None else None,
    }


def _members(entry: Entry) -> list[str]:
    """For an ensemble, a line that names each network in it."""
    from ich_cli.models.card import EnsembleCard

    if not isinstance(entry.card, EnsembleCard):
        return []
    return [f"  {'+' if k else '='} {Path(name).stem}" for k, name in enumerate(entry.card.members)]


def _print_table(entries: tuple[Entry, ...]) -> None:
    from rich.console import Console
    from rich.markup import escape

    from ich_cli.commands._table import plain_table
    from ich_cli.models.inventory import headlines

    table = plain_table("name", "version", "size", "licence", "intact", "measured")
    for entry in entries:
        card = entry.card
        table.add_row(
            escape("\n".join((entry.name, *_members(entry)))),
            escape(card.version) if card else "",
            f"{entry.size_bytes / 1e6:.1f} MB" if entry.size_bytes else "",
            escape(card.licence) if card else "",
            "[red]no[/]" if entry.problem else "[green]yes[/]",
            escape("\n".join(headlines(card.metrics))) if card else "",
        )
    console = Console()
    console.print(table)
    for entry in entries:
        if entry.problem:
            console.print(f"[red]{escape(entry.name)}:[/] {escape(entry.problem)}", soft_wrap=True)
    console.print(NOTICE, style="dim")
