"""``ich scan``: a folder of DICOM in, one row per head CT out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ich_cli.commands._options import (
    MODEL,
    OUTPUT,
    RUN,
    Batch,
    Device,
    KeepPhi,
    LogFile,
    Model,
    Nice,
    Out,
    Quiet,
    Threads,
    Verbose,
)

_INPUT = "Input and selection"
_READER = "Second reader (an MLLM; changes the tier, never the result)"


def scan(
    inputs: Annotated[
        list[Path], typer.Argument(help="Files, folders or .zip archives.", show_default=False)
    ],
    model: Model = None,
    device: Device = None,
    batch: Batch = None,
    threads: Threads = None,
    precision: Annotated[
        str | None, typer.Option(help="auto, fp32 or fp16.", rich_help_panel=MODEL)
    ] = None,
    out: Out = None,
    format_: Annotated[
        list[str] | None,
        typer.Option("--format", help="csv,json,jsonl,html", rich_help_panel=OUTPUT),
    ] = None,
    html: Annotated[
        bool | None,
        typer.Option("--html", help="Write report.html too.", rich_help_panel=OUTPUT),
    ] = None,
    previews: Annotated[
        bool | None,
        typer.Option("--previews", help="Write pictures of each scan.", rich_help_panel=OUTPUT),
    ] = None,
    masks: Annotated[
        str | None,
        typer.Option(help="Write label volumes: nifti or nrrd.", rich_help_panel=OUTPUT),
    ] = None,
    keep_phi: KeepPhi = None,
    all_series: Annotated[
        bool | None,
        typer.Option("--all-series", help="Not only the best series.", rich_help_panel=_INPUT),
    ] = None,
    series_uid: Annotated[
        list[str] | None,
        typer.Option(help="Only these series, whatever their headers say.", rich_help_panel=_INPUT),
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option(help="Only series whose description matches.", rich_help_panel=_INPUT),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(help="No series whose description matches.", rich_help_panel=_INPUT),
    ] = None,
    mllm: Annotated[
        str | None,
        typer.Option(help="Second reader: openai, gemini or claude.", rich_help_panel=_READER),
    ] = None,
    mllm_url: Annotated[
        str | None,
        typer.Option(
            help="An OpenAI-compatible server instead: Ollama, vLLM …; ends in /v1.",
            rich_help_panel=_READER,
        ),
    ] = None,
    mllm_model: Annotated[
        str | None, typer.Option(help="Its model; default as configured.", rich_help_panel=_READER)
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(help="Id or path of a prompt.", rich_help_panel=_READER)
    ] = None,
    only_uncertain: Annotated[
        tuple[float, float] | None,
        typer.Option(help="Only scans with a probability LOW to HIGH.", rich_help_panel=_READER),
    ] = None,
    mllm_max_slices: Annotated[
        int | None, typer.Option(help="Slices that are sent.", rich_help_panel=_READER)
    ] = None,
    mllm_repeat: Annotated[
        int | None, typer.Option(help="Ask so often; the majority wins.", rich_help_panel=_READER)
    ] = None,
    mllm_budget: Annotated[
        float | None, typer.Option(help="Most US dollars of a run.", rich_help_panel=_READER)
    ] = None,
    mllm_budget_tokens: Annotated[
        int | None, typer.Option(help="Most tokens of a run.", rich_help_panel=_READER)
    ] = None,
    mllm_rpm: Annotated[
        float | None, typer.Option(help="Requests a minute.", rich_help_panel=_READER)
    ] = None,
    mllm_concurrency: Annotated[
        int | None, typer.Option(help="Requests at once.", rich_help_panel=_READER)
    ] = None,
    mllm_timeout: Annotated[
        float | None, typer.Option(help="Seconds of one try.", rich_help_panel=_READER)
    ] = None,
    mllm_accept_prose: Annotated[
        bool | None,
        typer.Option("--mllm-accept-prose", help="JSON within text.", rich_help_panel=_READER),
    ] = None,
    mllm_required: Annotated[
        bool | None,
        typer.Option(
            "--mllm-required", help="No opinion makes exit code 3.", rich_help_panel=_READER
        ),
    ] = None,
    mllm_no_cache: Annotated[
        bool | None,
        typer.Option("--mllm-no-cache", help="Ask again what was.", rich_help_panel=_READER),
    ] = None,
    mllm_dry_run: Annotated[
        Path | None,
        typer.Option(help="Write the requests here, send nothing.", rich_help_panel=_READER),
    ] = None,
    mllm_config: Annotated[
        Path | None, typer.Option(help="Providers and prices.", rich_help_panel=_READER)
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", "--max-studies", help="At most so many new scans.", rich_help_panel=RUN
        ),
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(help="Seconds; ends cleanly between scans.", rich_help_panel=RUN),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="Only studies since a date, or of the last 36h, 7d, 2w.", rich_help_panel=RUN
        ),
    ] = None,
    cron: Annotated[
        bool | None,
        typer.Option(
            "--cron", help="Say one line, and only if there is news.", rich_help_panel=RUN
        ),
    ] = None,
    nice: Nice = None,
    redo: Annotated[
        bool | None,
        typer.Option("--redo", help="Analyse again what is known.", rich_help_panel=RUN),
    ] = None,
    retry_failed: Annotated[
        bool | None,
        typer.Option("--retry-failed", help="Analyse again what failed.", rich_help_panel=RUN),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Configuration file.", rich_help_panel=RUN)
    ] = None,
    log_file: LogFile = None,
    quiet: Quiet = None,
    verbose: Verbose = None,
) -> None:
    """Scan folders of DICOM; write results.csv, .json, .jsonl and run.json."""
    flags = {name.rstrip("_"): value for name, value in locals().items()}
    from ich_cli.commands._scan import run_scan

    del flags["inputs"], flags["config"]
    raise typer.Exit(int(run_scan(tuple(inputs), flags, config)))
