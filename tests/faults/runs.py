"""Runs of the program to be disturbed, and what is left of them."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from ich_cli.config import resolve
from ich_cli.dicom.volume import load_volume
from ich_cli.pipeline.assemble import assemble
from ich_cli.pipeline.events import Listener, ignore
from ich_cli.pipeline.ledger import Ledger
from ich_cli.pipeline.ledger_schema import LEDGER_FILE
from ich_cli.pipeline.run import RunOutcome, run
from ich_cli.pipeline.worker import Load

Row = dict[str, Any]


def scan(
    inputs: Path,
    out: Path,
    card: Path,
    on_event: Listener = ignore,
    load: Load = load_volume,
    **settings: Any,
) -> RunOutcome:
    """A run in this process, which by default reads pixels itself."""
    flags = {"model": str(card), "out": out, "threads": 1, "device": "cpu", **settings}
    assembly = assemble((inputs,), resolve(flags), command=("ich",))
    request = replace(assembly.request, load=load)
    return run(request, assembly.network, assembly.options, on_event)


def command(*args: object) -> list[str]:
    return [sys.executable, "-m", "ich_cli", *map(str, args)]


def scan_command(inputs: Path, out: Path, card: Path, *more: object) -> list[str]:
    return command(
        "scan", inputs, "--out", out, "--model", card, "--threads", 1, "--device", "cpu", *more
    )


def fork_scan(inputs: Path, out: Path, card: Path) -> int:
    """Begin a run in a fork of this process, which must have no session open; its number."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = int(scan(inputs, out, card).exit_code)
        finally:
            os._exit(code)
    return child


def kill_at_random(
    begin: Callable[[], int], out: Path, kills: int, startup_s: float, seed: int
) -> int:
    """Kill -9 so many runs: some as they start, most some moments after one more row.

    Returns:
        How many were killed; fewer than asked for only where the work is done too soon.
    """
    draw, killed = Random(seed), 0
    for _ in range(2 * kills):
        before, child = lines(out), begin()
        early = draw.random() < 0.4
        end = time.monotonic() + (draw.uniform(0, startup_s) if early else 3600.0)
        while lines(out) <= before and time.monotonic() < end:
            if os.waitpid(child, os.WNOHANG) != (0, 0):
                break
            time.sleep(0.001)
        if not early:
            time.sleep(draw.uniform(0, 0.2))
        try:
            os.kill(child, signal.SIGKILL)
            killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
        except (ProcessLookupError, ChildProcessError):
            continue
        if killed == kills:
            break
    return killed


def lines(out: Path) -> int:
    """Rows a reader of ``results.jsonl`` sees now."""
    try:
        return (out / "results.jsonl").read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def finished(out: Path) -> int:
    """How many series the ledger holds as finished."""
    if not (out / LEDGER_FILE).exists():
        return 0
    with Ledger.open(out) as ledger:
        return ledger.count()


def rows(out: Path) -> dict[tuple[str, str, int], Row]:
    """The results by identity, without what may differ between runs; all files agree."""
    records: list[Row] = json.loads((out / "results.json").read_text())
    lines = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    with (out / "results.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    by_identity = {identity(record): plain(record) for record in records}
    assert len(by_identity) == len(records), "no row is doubled"
    assert len(lines) == len(records)
    assert {identity(line): plain(line) for line in lines} == by_identity
    assert sorted(row["series_uid"] for row in table) == sorted(r["series_uid"] for r in records)
    return by_identity


def identity(record: Row) -> tuple[str, str, int]:
    return record["study_uid"], record["series_uid"], record["series_part"]


def plain(record: Row) -> Row:
    return {k: v for k, v in record.items() if k not in ("timings_s", "seconds")}


def never_torn(out: Path) -> None:
    """What a reader may find right after a sudden death: whole files, or none yet."""
    if (out / "results.json").exists():
        json.loads((out / "results.json").read_text())
    if (out / "results.csv").exists():
        text = (out / "results.csv").read_text()
        assert text.endswith("\n")
    if (out / "results.jsonl").exists():
        *whole, _ = (out / "results.jsonl").read_text().split("\n")
        for line in whole:
            json.loads(line)


def python(code: str, *args: object, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter at the root of the repository."""
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, args)],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        **more,
    )
