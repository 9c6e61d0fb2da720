"""What ``ich status`` prints."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from ich_cli.pipeline.drift import Shift
from ich_cli.pipeline.drift_facts import Drift, drift_of
from ich_cli.pipeline.ledger_status import Standing, standing_of
from ich_cli.pipeline.lock import holder
from ich_cli.pipeline.privacy import load_key, pseudonym
from ich_cli.pipeline.watch_health import read_health


def show_status(
    out: Path, *, as_json: bool, days: float | None, reference_days: float | None
) -> None:
    """Read the ledger and print how it stands; with ``days`` the drift as well."""
    now = time.time()
    facts = _facts(out, standing_of(out, now), now)
    drift = None if days is None else drift_of(out, now, days, reference_days)
    if as_json:
        if drift is not None:
            facts["drift"] = asdict(drift)
        print(json.dumps(facts, indent=1, default=str))
        return
    console = Console()
    console.print(_standing_table(facts))
    for error in facts["last_errors"]:
        console.print(f"  {error['when']}  series {error['series']}: {escape(error['error'])}")
    if drift is not None:
        console.print(_drift_table(drift))


def _facts(out: Path, standing: Standing, now: float) -> dict[str, Any]:
    """Everything that is shown, JSON-able and without raw identifiers."""
    key, owner, health = load_key(), holder(out), read_health(out)
    facts = asdict(standing)
    facts["last_errors"] = [
        {
            "when": _when(error.finished),
            "series": pseudonym(error.series_uid, key)[:8],
            "error": error.error,
        }
        for error in standing.last_errors
    ]
    facts["oldest_waiting_s"] = _age(standing.oldest_waiting, now)
    facts["last_finished_s_ago"] = _age(standing.last_finished, now)
    facts["running"] = None if owner is None else asdict(owner) | {"age_s": owner.age_s(now)}
    facts["watcher"] = health
    return facts


def _standing_table(facts: dict[str, Any]) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    owner, watcher = facts["running"], facts["watcher"]
    running = "no"
    if owner is not None:
        running = f"process {owner['pid']} on {owner['host']} for {_span(owner['age_s'])}"
    rate = "" if facts["per_hour"] is None else f", {facts['per_hour']:.1f} an hour"
    rows = [
        ("running", running),
        ("series", _counts(facts["states"])),
        ("results", _counts(facts["statuses"])),
        ("not analysed", _counts(facts["reasons"])),
        (
            "finished",
            f"{facts['finished_last_hour']} in the last hour, "
            f"{facts['finished_last_day']} in 24 hours{rate}",
        ),
        ("median", "" if facts["median_seconds"] is None else f"{facts['median_seconds']:.1f} s"),
        ("last finished", _ago(facts["last_finished_s_ago"])),
        ("oldest waiting", _ago(facts["oldest_waiting_s"])),
    ]
    if watcher is not None:
        rows.append(("watcher", _watcher(watcher, owner)))
    if facts["damaged_ledgers"]:
        rows.append(("damaged ledgers", ", ".join(facts["damaged_ledgers"])))
    if facts["last_errors"]:
        rows.append(("last errors", ""))
    for name, text in rows:
        table.add_row(name, escape(text))
    return table


def _watcher(health: dict[str, Any], owner: dict[str, Any] | None) -> str:
    """What the health file says, unless it was left by a watcher that did not get to say more."""
    waiting = (
        f"{health.get('studies_waiting')} studies and {health.get('files_waiting')} files waiting"
    )
    at_work = owner is not None and owner["pid"] == health.get("pid")
    if at_work or health.get("state") == "stopped":
        return f"{health.get('state')}, {waiting}"
    return f"ended unexpectedly, with {waiting}"


def _drift_table(drift: Drift) -> Table:
    before = "all before" if drift.reference_days is None else f"{drift.reference_days:g} before"
    table = Table(
        # A name that is cut is none; at 80 columns the mixes are broken over lines instead.
        Column(no_wrap=True),
        Column(no_wrap=True),
        *(f"last {drift.days:g} days", before, "scans", "measure"),
        box=None,
        pad_edge=False,
    )
    for shift in drift.shifts:
        table.add_row(
            shift.name,
            shift.level.value,
            _shown(shift.recent),
            _shown(shift.reference),
            f"{shift.n_recent} / {shift.n_reference}",
            _measure(shift),
        )
    return table


def _shown(value: float | dict[str, float] | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.1%}"
    largest = sorted(value.items(), key=lambda item: -item[1])[:3]
    return ", ".join(f"{escape(name)} {share:.0%}" for name, share in largest)


def _measure(shift: Shift) -> str:
    if shift.psi is not None:
        return f"PSI {shift.psi:.2f}"
    return "" if shift.p is None else f"p {shift.p:.2g}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"


def _age(then: float | None, now: float) -> float | None:
    return None if then is None else max(0.0, now - then)


def _ago(seconds: float | None) -> str:
    return "–" if seconds is None else f"{_span(seconds)} ago"


def _span(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
