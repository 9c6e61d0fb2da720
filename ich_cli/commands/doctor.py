"""``ich doctor``: is this installation fit to run?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ich_cli.commands._options import AsJson

if TYPE_CHECKING:
    from ich_cli.health.check import Check

_COLOURS = {"ok": "green", "info": "dim", "warning": "yellow", "failed": "red"}


def doctor(
    as_json: AsJson = False,
) -> None:
    """Check versions, devices, decoders, weights, keys (present or not) and folders.

    Exit code 0 when scans can be run, 1 when something that they need is missing.
    """
    from ich_cli.health.examine import examine, is_fit

    checks = examine()
    fit = is_fit(checks)
    if as_json:
        import json
        from dataclasses import asdict

        facts = {"fit": fit, "checks": [asdict(check) for check in checks]}
        typer.echo(json.dumps(facts, indent=2))
    else:
        _print_table(checks, fit)
    if not fit:
        raise typer.Exit(1)


def _print_table(checks: tuple[Check, ...], fit: bool) -> None:
    from rich.console import Console
    from rich.markup import escape

    from ich_cli.commands._table import plain_table

    table = plain_table("", "", "state", "found", "what to do")
    group = ""
    for check in checks:
        colour = _COLOURS[check.state.value]
        table.add_row(
            "" if check.group == group else check.group,
            escape(check.name),
            f"[{colour}]{check.state.value}[/]",
            escape(check.found),
            escape(check.advice),
        )
        group = check.group
    console = Console()
    console.print(table)
    verdict = "[green]Fit to run.[/]" if fit else "[red]Not fit to run; see 'failed' above.[/]"
    console.print(verdict)
