"""Options that several commands take: the same words, the same help, wherever they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

MODEL = "Model"
OUTPUT = "Output"
RUN = "Run"
"""Panels of the help of ``ich scan`` and ``ich watch``."""

Model = Annotated[
    str | None,
    typer.Option(
        help="resnet, vit, both, or the path of a model card or ONNX file.", rich_help_panel=MODEL
    ),
]
Device = Annotated[
    str | None, typer.Option(help="auto, cpu, cuda or cuda:N.", rich_help_panel=MODEL)
]
Batch = Annotated[
    int | None, typer.Option(help="Slices in one forward pass.", rich_help_panel=MODEL)
]
Threads = Annotated[
    int | None, typer.Option(help="CPU threads of the network.", rich_help_panel=MODEL)
]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="Output folder.", rich_help_panel=OUTPUT)
]
KeepPhi = Annotated[
    bool | None,
    typer.Option(
        "--keep-phi", help="PatientID, and text in pictures, as they are.", rich_help_panel=OUTPUT
    ),
]
Nice = Annotated[
    int | None, typer.Option(help="Yield to other programs: 0 to 19.", rich_help_panel=RUN)
]
LogFile = Annotated[Path | None, typer.Option(help="Log with tracebacks.", rich_help_panel=RUN)]
Quiet = Annotated[
    bool | None, typer.Option("--quiet", "-q", help="Only errors.", rich_help_panel=RUN)
]
Verbose = Annotated[
    bool | None, typer.Option("--verbose", "-v", help="Every step.", rich_help_panel=RUN)
]

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]

Layout = Annotated[
    str | None,
    typer.Option(
        help="Label layout; found out when not given: own_csv, rsna2019, cq500, physionet, masks."
    ),
]
TableFormat = Annotated[
    str, typer.Option("--format", help="Tables as text, csv, markdown or latex.")
]
Draws = Annotated[int, typer.Option(min=100, max=100_000, help="Bootstrap draws.")]
