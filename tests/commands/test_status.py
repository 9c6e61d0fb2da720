from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ich_cli.cli import build_app
from ich_cli.pipeline.ledger import Ledger
from ich_cli.pipeline.ledger_schema import LEDGER_FILE
from ich_cli.pipeline.lock import hold
from ich_cli.pipeline.watch_health import Health
from tests.pipeline.series import make_keys, make_record

DAY = 86_400.0


def call(*args: object) -> Any:
    return CliRunner().invoke(build_app("status"), ["status", *map(str, args)])


def as_json(*args: object) -> dict[str, Any]:
    result = call(*args, "--json")
    assert result.exit_code == 0, result.output
    facts: dict[str, Any] = json.loads(result.output)
    return facts


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Six series: two negative, one positive, one not analysable, one failed, one waiting."""
    out, now = tmp_path / "out", time.time()
    keys = make_keys(tmp_path / "in", 6)
    moments = iter([now - 7200.0] + [now - 1800.0] * 100)
    with Ledger.open(out, now=lambda: next(moments)) as ledger:
        ledger.plan(keys)
        statuses = ["negative", "negative", "positive", "not_analysable", "failed"]
        for key, status in zip(keys, statuses, strict=False):
            ledger.start(key)
            ledger.finish(key, make_record(key, status))
    return out


def test_every_series_is_counted_once(out: Path) -> None:
    facts = as_json(out)
    assert facts["n_series"] == 6
    assert facts["states"] == {"done": 4, "failed": 1, "waiting": 1}
    assert facts["statuses"] == {"failed": 1, "negative": 2, "not_analysable": 1, "positive": 1}
    assert facts["reasons"] == {"cannot_decode": 2}


def test_rate_and_ages_are_those_of_the_ledger(out: Path) -> None:
    facts = as_json(out)
    assert facts["finished_last_hour"] == 5
    assert facts["per_hour"] == pytest.approx(10, rel=0.05)
    assert facts["oldest_waiting_s"] == pytest.approx(1800, abs=60)
    assert facts["last_finished_s_ago"] == pytest.approx(1800, abs=60)


def test_the_last_errors_are_told_without_uids(out: Path) -> None:
    result = call(out)
    assert result.exit_code == 0
    assert "cannot_decode" in result.output
    assert "1.4.1" not in result.output
    assert "1.4.1" not in json.dumps(as_json(out))


def test_who_is_at_work_is_told(out: Path) -> None:
    assert as_json(out)["running"] is None
    with hold(out):
        assert as_json(out)["running"]["pid"] > 0


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("running", "ended unexpectedly, with 2 studies and 70 files waiting"),
        ("stopped", "stopped, 2 studies and 70 files waiting"),
    ],
)
def test_a_watcher_that_is_not_at_work_is_not_said_to_run(out: Path, state: str, told: str) -> None:
    Health(state, studies_waiting=2, files_waiting=70).write(out)
    assert told in call(out).output
    with hold(out):
        assert f"{state}, 2 studies" in call(out).output


def test_asking_changes_nothing(out: Path) -> None:
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    call(out)
    call(out, "--json")
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_ledger_in_use_can_be_read(out: Path) -> None:
    with Ledger.open(out):
        assert as_json(out)["n_series"] == 6


def test_a_folder_without_results_is_one_clear_line(tmp_path: Path) -> None:
    result = call(tmp_path)
    assert result.exit_code == 2
    assert "there are no results" in result.output


def test_a_damaged_ledger_is_one_clear_line(out: Path) -> None:
    (out / LEDGER_FILE).write_bytes(b"rubbish" * 1000)
    result = call(out)
    assert result.exit_code == 1
    assert "rebuilds a damaged ledger" in result.output


def test_drift_compares_the_last_days_with_those_before(tmp_path: Path) -> None:
    out, now = tmp_path / "out", time.time()
    keys = make_keys(tmp_path / "in", 160)
    moment = now - 60 * DAY
    with Ledger.open(out, now=lambda: moment) as ledger, ledger.transaction():
        for number, key in enumerate(keys):
            moment = now - (60 * DAY if number < 120 else 1 * DAY)
            bleeds = number >= 120 or number % 10 == 0
            ledger.finish(key, make_record(key, "positive" if bleeds else "negative"))
    drift = {
        shift["name"]: shift for shift in as_json(out, "--drift", "--days", 7)["drift"]["shifts"]
    }
    assert drift["positive_rate"]["level"] == "shift"
    assert drift["positive_rate"]["recent"] == 1.0
    assert drift["positive_rate"]["reference"] == pytest.approx(0.1)
    assert (drift["positive_rate"]["n_recent"], drift["positive_rate"]["n_reference"]) == (40, 120)
    assert drift["manufacturer"]["level"] == "steady"
    shown = call(out, "--drift", "--days", 7)
    assert "shift" in shown.output
    assert all(name in shown.output for name in drift), "no name is cut at 80 columns"
