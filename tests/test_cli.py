"""The program around the commands: help, version, errors and exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from ich_cli import __version__, cli
from ich_cli.errors import DeviceError, LockedError, OutputError, UsageError


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    shown = capsys.readouterr()
    return int(ended.value.code or 0), shown.out, shown.err


def test_version(capsys: pytest.CaptureFixture[str]):
    assert run("--version", capsys=capsys) == (0, f"ich {__version__}\n", "")


def test_help_lists_every_command_and_the_disclaimer(capsys: pytest.CaptureFixture[str]):
    code, out, _ = run("--help", capsys=capsys)
    assert code == 0
    for name in cli.command_names():
        assert f" {name} " in out
    assert "`" not in out, "marks of documentation are no words of a help text"
    assert "Research use only" in out


def test_every_module_in_commands_is_a_command():
    files = Path(cli.commands.__path__[0]).glob("[!_]*.py")
    assert sorted(cli.command_names()) == sorted(path.stem.rstrip("_") for path in files)


@pytest.mark.parametrize("name", cli.command_names())
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]):
    code, out, _ = run(name, "--help", capsys=capsys)
    assert code == 0
    assert "Usage" in out


def test_help_tells_how_the_address_of_a_local_server_ends(capsys: pytest.CaptureFixture[str]):
    _, out, _ = run("scan", "--help", capsys=capsys)
    words = " ".join(out.replace("│", " ").split())
    assert "instead: Ollama, vLLM …; ends in /v1." in words


@pytest.mark.parametrize("arguments", [(), ("frobnicate",), ("scan",), ("scan", "--nonsense")])
def test_wrong_usage_is_exit_code_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]):
    code, _, err = run(*arguments, capsys=capsys)
    assert code == 2
    assert "Traceback" not in err


@pytest.mark.parametrize("arguments", [("scan", ""), ("scan", ".", "--out", "")])
def test_an_empty_argument_is_not_the_working_folder(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
):
    code, out, err = run(*arguments, capsys=capsys)
    assert (code, out) == (2, "")
    assert err == "ich: error: an argument is empty; was a variable not set?\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("a\nb"), 2),
        (OutputError("a b"), 1),
        (LockedError("a b"), 5),
        (DeviceError("a b"), 6),
    ],
)
def test_our_errors_are_one_line_and_their_exit_code(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(typer.Exit) as ended:
        cli.one_line_errors(raising(error))()
    assert ended.value.exit_code == code
    assert capsys.readouterr().err == "ich: error: a b\n"


def test_an_unexpected_error_is_one_line_and_exit_code_1(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(typer.Exit) as ended:
        cli.one_line_errors(raising(KeyError("x")))()
    assert ended.value.exit_code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "KeyError" in line
    assert "ICH_VERBOSE=1" in line


def test_the_traceback_is_there_for_those_who_ask(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ICH_VERBOSE", "1")
    with pytest.raises(typer.Exit):
        cli.one_line_errors(raising(KeyError("x")))()
    assert "Traceback" in capsys.readouterr().err


def test_letters_that_the_terminal_lacks_end_no_run():
    """The table of networks holds dashes; so do many others."""
    done = subprocess.run(
        [sys.executable, "-m", "ich_cli", "models"],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"?" in done.stdout


def test_reader_that_has_seen_enough_is_no_error():
    shown = subprocess.Popen(
        [sys.executable, "-m", "ich_cli", "prompts", "show", "scan_review"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert shown.stdout is not None
    shown.stdout.close()
    assert shown.stderr is not None
    assert shown.stderr.read() == b""
    shown.wait()


def raising(error: Exception):  # type: ignore[no-untyped-def]
    def command() -> None:
        raise error

    return command
