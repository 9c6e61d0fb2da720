"""``ich status``: how an output folder stands, and whether anything drifts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ich_cli.commands._options import AsJson


def status(
    out: Annotated[
        Path, typer.Argument(help="Output folder of a scan or a watch.", show_default=False)
    ],
    as_json: AsJson = False,
    drift: Annotated[
        bool, typer.Option("--drift", help="Compare the last days with those before.")
    ] = False,
    days: Annotated[float, typer.Option(help="Recent days for --drift.", min=0.01)] = 30.0,
    reference_days: Annotated[
        float | None,
        typer.Option(help="Days before those to compare with; all by default.", min=0.01),
    ] = None,
) -> None:
    """Show counts, rate, last errors and the oldest waiting study."""
    from ich_cli.commands._status import show_status

    show_status(out, as_json=as_json, days=days if drift else None, reference_days=reference_days)
