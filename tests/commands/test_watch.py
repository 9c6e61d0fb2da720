from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ich_cli.cli import build_app
from ich_cli.config import resolve
from ich_cli.errors import ExitCode
from tests.quick import slices_of, write_copies, write_quick_network, write_templates

DEPLOY = Path(__file__).parents[2] / "deploy"
PATIENCE_S = 120.0

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX signals")


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_quick_network(tmp_path_factory.mktemp("network"))


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_templates(tmp_path_factory.mktemp("templates"))


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.05)


def health(out: Path) -> dict[str, object]:
    try:
        found: dict[str, object] = json.loads((out / "health.json").read_text())
    except (OSError, ValueError):
        return {}
    return found


@contextmanager
def watching(inbox: Path, out: Path, card: Path, *more: object) -> Iterator[subprocess.Popen[str]]:
    """The real command, at work."""
    inbox.mkdir(exist_ok=True)
    arguments = ["watch", inbox, "--out", out, "--model", card, "--settle", "0.4", *more]
    process = subprocess.Popen(
        [sys.executable, "-m", "ich_cli", *map(str, arguments), "--threads", "1"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: health(out).get("state") == "running" or process.poll() is not None)
        yield process
    finally:
        process.kill()
        process.communicate()


@posix
def test_the_command_works_is_asked_and_ends_as_a_service_does(
    tmp_path: Path, card: Path, templates: list[Path]
) -> None:
    """One process for many questions, because starting it is what costs."""
    inbox, out, told = tmp_path / "in", tmp_path / "out", tmp_path / "told"
    told.mkdir()
    script = tmp_path / "hook.py"
    script.write_text(
        "import json, sys, pathlib\n"
        "event = json.load(sys.stdin)\n"
        f"pathlib.Path({str(told)!r}, event['id']).write_text(json.dumps(event))\n"
    )
    config = tmp_path / "ich.yaml"
    place = f"  done_to: {tmp_path / 'done'}\n"
    config.write_text(f"watch:\n  on_done: keep\n{place}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    hook = shlex.join([sys.executable, str(script)])
    write_copies(templates, inbox, 2)
    more = ("--config", config, "--on-positive", hook, "--metrics-port", port)
    with watching(inbox, out, card, *more) as process:
        until(lambda: health(out).get("studies_done") == 2)

        until(lambda: len(list(told.iterdir())) == 1)
        event = json.loads(next(told.iterdir()).read_text())
        (row,) = (r for r in read_rows(out) if r["status"] == "positive")
        assert event["subtypes"] == ["IPH"]
        assert str(row["study_uid"]) not in json.dumps(event)
        assert str(row["patient_id"]) not in json.dumps(event)

        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        assert 'ich_scans_total{status="positive"} 1.0' in text
        assert "ich_up 1.0" in text

        second = CliRunner().invoke(
            build_app("watch"), ["watch", str(inbox), "--out", str(out), "--model", str(card)]
        )
        assert second.exit_code == ExitCode.LOCKED
        assert f"process {process.pid}" in second.output

        config.write_text("watch:\n  on_done: nonsense\n")
        process.send_signal(signal.SIGHUP)
        until(lambda: "could not be reloaded" in str(health(out).get("last_error")))
        config.write_text("watch:\n  on_done: keep\n  done_to: elsewhere\n  poll: 7\n")
        process.send_signal(signal.SIGHUP)
        time.sleep(1.5)
        config.write_text(f"watch:\n  on_done: move\n{place}")
        process.send_signal(signal.SIGHUP)
        time.sleep(1.5)
        (inbox / "more").mkdir()
        for name, data in slices_of(templates[0], 9).items():
            (inbox / "more" / name).write_bytes(data)
        until(lambda: health(out).get("studies_done") == 3)
        until(lambda: bool(list((tmp_path / "done").rglob("*.dcm"))))

        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == ExitCode.OK
        assert "stopped: signal SIGTERM" in errors
        assert "done_to, poll cannot change while watching" in errors.replace("\n", " ")
        assert "PHANTOM" not in errors
        assert str(row["study_uid"]) not in errors
    assert health(out)["state"] == "stopped"
    assert len(read_rows(out)) == 3


def read_rows(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--settle", "0"], "--settle"),
        (["--on-done", "burn"], "--on-done"),
        (["--on-done", "move"], "needs done_to"),
        (["--notify", "ftp://x"], "begins with https"),
        (["--notify", "https://x"], "set ICH_NOTIFY_SECRET"),
        (["--on-positive", "'"], "cannot be read"),
        (["--metrics-port", "0"], "--metrics-port"),
    ],
)
def test_what_cannot_be_used_is_one_clear_line(
    more: list[str], message: str, tmp_path: Path, card: Path
) -> None:
    arguments = ["watch", str(tmp_path), "--out", str(tmp_path / "out"), "--model", str(card)]
    result = CliRunner().invoke(build_app("watch"), [*arguments, *more])
    assert result.exit_code == ExitCode.USAGE
    assert message in " ".join(result.output.split())


def test_a_folder_that_is_not_there_is_one_clear_line(tmp_path: Path, card: Path) -> None:
    arguments = ["watch", str(tmp_path / "no"), "--out", str(tmp_path), "--model", str(card)]
    result = CliRunner().invoke(build_app("watch"), arguments)
    assert result.exit_code == ExitCode.USAGE
    assert "there is no folder" in result.output


def test_the_sample_settings_can_be_used() -> None:
    settings = resolve({}, config=DEPLOY / "ich.yaml", environ={}).settings
    assert settings.watch.on_done == "keep"


@pytest.mark.parametrize("name", ["crontab", "ich-scan.service", "ich-watch.service"])
def test_the_sample_commands_know_their_options(name: str) -> None:
    lines = [x for x in (DEPLOY / name).read_text().splitlines() if not x.startswith("#")]
    calls = re.findall(r"\bich (scan|watch|status) ([^;|\n]*)", "\n".join(lines))
    assert calls
    for command, rest in calls:
        for option in re.findall(r"--[a-z-]+", rest):
            tried = CliRunner().invoke(build_app(command), [command, option])
            assert "No such option" not in tried.output
