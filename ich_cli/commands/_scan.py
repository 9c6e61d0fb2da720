"""What ``ich scan`` does once its options are parsed."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from ich_cli.commands._logging import LOGGER, logging_to
from ich_cli.commands._progress import showing
from ich_cli.config import Settings, resolve
from ich_cli.dicom.volume import load_volume
from ich_cli.errors import ExitCode
from ich_cli.models.card import AnyCard
from ich_cli.notice import NOTICE
from ich_cli.pipeline.accounts import FileAccounts
from ich_cli.pipeline.assemble import Assembly, assemble
from ich_cli.pipeline.plan import check_inputs
from ich_cli.pipeline.run import RunOutcome, run
from ich_cli.pipeline.stop import stop_on_signals
from ich_cli.pipeline.worker import Decoder
from ich_cli.reports.table import render

MOST_REASONS = 5
"""So many fit into a line on why there was nothing to do."""


def run_scan(inputs: tuple[Path, ...], flags: Mapping[str, Any], config: Path | None) -> ExitCode:
    """Resolve the settings, run, and show what came of it."""
    resolved = resolve(flags, config=config)
    settings = resolved.settings
    errors = Console(stderr=True)
    bar = errors.is_terminal and not (settings.quiet or settings.verbose or settings.cron)
    be_nice(settings.nice)
    with logging_to(
        settings.log_file,
        quiet=settings.quiet,
        verbose=settings.verbose,
        plain_progress=not (bar or settings.cron),
    ):
        check_inputs(inputs)
        assembly = assemble(inputs, resolved, command=("ich", *sys.argv[1:]))
        LOGGER.info("model %s on %s", assembly.network.card.name, assembly.network.provider)
        tell_of_defaults(assembly.network.card, cron=settings.cron)
        tell_what_leaves(assembly, errors)
        stop = assembly.options.stop
        with (
            Decoder(load_volume) as decoder,
            showing(errors, assembly.series_name, bar=bar) as listen,
            stop_on_signals(stop),
        ):
            request = replace(assembly.request, load=decoder)
            outcome = run(request, assembly.network, assembly.options, listen)
    if settings.cron:
        _show_news(outcome, settings, assembly.network.card)
    elif not settings.quiet:
        _show(outcome, settings, assembly)
    return outcome.exit_code


def be_nice(niceness: int) -> None:
    """Yield to other programs where the system knows how."""
    if niceness and hasattr(os, "nice"):
        os.nice(niceness)


def _show_news(outcome: RunOutcome, settings: Settings, card: AnyCard) -> None:
    """One line for the mail of cron; none when nothing happened."""
    if not outcome.n_new:
        return
    counts = outcome.summary.status_counts
    told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()) if count)
    if card.has_default_thresholds:
        told += " (at default thresholds, not fitted)"
    Console().print(f"ich: {outcome.n_new} new; now {told} in {settings.out}", soft_wrap=True)


def tell_of_defaults(card: AnyCard, *, cron: bool = False) -> None:
    """Say that calls are made where nothing was fitted; cron's one line says it with its news."""
    if card.has_default_thresholds:
        LOGGER.log(
            logging.INFO if cron else logging.WARNING,
            "the card of model %s states no thresholds.scan: scans are called at the default 0.5, "
            "which was not fitted; fit them with 'ich calibrate'",
            card.name,
        )


def tell_what_leaves(assembly: Assembly, errors: Console) -> None:
    """Before the first picture leaves, say what will leave and to whom."""
    if assembly.reader is None:
        return
    from ich_cli.mllm.consent import notice_if_new

    notice = notice_if_new(assembly.reader)
    if notice is not None:
        errors.print(notice, markup=False, highlight=False)


def _why_nothing(accounts: FileAccounts) -> str:
    """In one line, what the files were that were no head CT, the commonest first."""
    if not accounts.seen:
        return "No head CT was found: there are no files."
    reasons = accounts.skipped.most_common()
    told = ", ".join(f"{count} {code}" for code, count in reasons[:MOST_REASONS])
    rest = len(reasons) - MOST_REASONS
    more = f"; {rest} rarer reasons in run.json" if rest > 0 else ""
    return f"No head CT was found. {accounts.seen} files: {told}{more}"


def _show(outcome: RunOutcome, settings: Settings, assembly: Assembly) -> None:
    console = Console()
    if outcome.summary.n_scans:
        console.print(render(outcome.summary, console.width))
    if outcome.exit_code == ExitCode.NOTHING_TO_DO:
        console.print(_why_nothing(outcome.accounts), soft_wrap=True, highlight=False)
    if outcome.n_known:
        console.print(f"{outcome.n_known} of them were known already (--redo does them again).")
    if outcome.stopped:
        console.print(f"Stopped early ({outcome.stopped}); the same command goes on from here.")
    network = assembly.network
    console.print(f"model {network.card.name} on {network.provider}; reports in {settings.out}")
    console.print(NOTICE, style="dim")
