"""What happens to the output folder stops the run with one line, and loses no finished work."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ich_cli.errors import ExitCode, LockedError, OutputError
from ich_cli.pipeline.events import Event, Finished, Started
from ich_cli.pipeline.ledger_schema import LEDGER_FILE

from .runs import finished, never_torn, rows, scan, scan_command


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of half a megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_stops_the_run_and_what_was_finished_stays(
    small_disk: Path, studies: Path, card: Path, tmp_path: Path
) -> None:
    out, ballast = small_disk / "out", small_disk / "ballast"

    def fill(event: Event) -> None:
        if isinstance(event, Finished) and event.index == 1:
            with ballast.open("wb", buffering=0) as file, suppress(OSError):
                while file.write(b"\0" * 4096):
                    pass

    with pytest.raises(OutputError, match="free space"):
        scan(studies, out, card, fill)
    never_torn(out)
    ballast.unlink()
    assert 1 <= finished(out) < 4
    scan(studies, out, card)
    scan(studies, tmp_path / "undisturbed", card)
    assert rows(out) == rows(tmp_path / "undisturbed")


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from ich_cli.cli import main
main(sys.argv[2:])
"""


@pytest.mark.skipif(os.name != "posix", reason="POSIX limits")
def test_files_that_may_not_grow_are_one_clear_line(
    studies: Path, card: Path, tmp_path: Path
) -> None:
    """Without the right to mount: the system refuses to let any file grow beyond a size."""
    out = tmp_path / "out"
    scan(studies, out, card)
    expected = rows(out)
    shutil.rmtree(out)
    arguments = scan_command(studies, out, card, "--quiet")[3:]
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, "120000", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == ExitCode.UNEXPECTED
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("ich: error: cannot write")
    scan(studies, out, card)
    assert rows(out) == expected


@pytest.mark.parametrize("when", [Started, Finished])
def test_an_output_folder_that_goes_away_stops_the_run(
    when: type[Event], studies: Path, card: Path, tmp_path: Path
) -> None:
    out, begun = tmp_path / "out", 0

    def remove(event: Event) -> None:
        nonlocal begun
        begun += isinstance(event, Started)
        if isinstance(event, when) and event.index == 1:
            shutil.rmtree(out)

    with pytest.raises(OutputError):
        scan(studies, out, card, remove)
    assert begun == 2, "no further series is begun for nothing"


def test_an_output_folder_that_is_replaced_is_not_written_into(
    studies: Path, card: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"

    def replace(event: Event) -> None:
        if isinstance(event, Started) and event.index == 2:
            out.rename(tmp_path / "aside")
            out.mkdir()
            (out / "of_someone_else").write_text("x")

    with pytest.raises(OutputError):
        scan(studies, out, card, replace)
    assert sorted(path.name for path in out.iterdir()) == ["of_someone_else"]
    assert finished(tmp_path / "aside") == 2


def test_a_corrupted_ledger_is_kept_aside_and_nothing_is_scanned_again(
    studies: Path, card: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    scan(studies, out, card)
    expected = rows(out)
    path = out / LEDGER_FILE
    data = bytearray(path.read_bytes())
    data[4096 : len(data) // 2] = os.urandom(len(data) // 2 - 4096)
    path.write_bytes(data)
    outcome = scan(studies, out, card)
    assert outcome.n_new == 0
    assert rows(out) == expected
    (aside,) = (p for p in out.glob(f"{LEDGER_FILE}.damaged-*") if p.suffix != "-wal")
    assert aside.read_bytes() == data


def test_a_ledger_that_was_deleted_loses_nothing(studies: Path, card: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    scan(studies, out, card)
    expected = rows(out)
    (out / LEDGER_FILE).unlink()
    shutil.rmtree(sorted(studies.iterdir())[0])
    assert scan(studies, out, card).n_new == 0
    assert rows(out) == expected


def test_two_runs_at_once_are_one_run_and_one_refusal(
    studies: Path, card: Path, tmp_path: Path
) -> None:
    out, refused = tmp_path / "out", []

    def second_run(event: Event) -> None:
        if isinstance(event, Started) and event.index == 1:
            with pytest.raises(LockedError) as error:
                scan(studies, out, card)
            refused.append(error.value.exit_code)

    assert scan(studies, out, card, second_run).exit_code == ExitCode.OK
    assert refused == [ExitCode.LOCKED]
    assert len(rows(out)) == 4


@pytest.mark.skipif(not hasattr(os, "kill"), reason="POSIX signals")
def test_sigterm_ends_the_command_after_the_series_in_hand(
    studies: Path, card: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(scan_command(studies, out, card, "--quiet")) as process:
        end = time.monotonic() + 120
        while not (out / "results.jsonl").exists() or not (out / "results.jsonl").read_bytes():
            assert time.monotonic() < end
            time.sleep(0.005)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (ExitCode.UNEXPECTED, ExitCode.OK)
    never_torn(out)
    done = len(rows(out))
    assert done >= 1
    assert scan(studies, out, card).n_new == 4 - done
    assert len(rows(out)) == 4


@pytest.mark.parametrize("jump_s", [-10 * 365 * 86_400.0, 10 * 365 * 86_400.0])
def test_a_clock_that_jumps_changes_no_result(
    jump_s: float, studies: Path, card: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan(studies, tmp_path / "undisturbed", card)
    true_time = time.time

    def jump(event: Event) -> None:
        if isinstance(event, Started) and event.index == 1:
            monkeypatch.setattr(time, "time", lambda: true_time() + jump_s)

    scan(studies, tmp_path / "out", card, jump, time_limit=3600.0)
    assert scan(studies, tmp_path / "out", card).n_new == 0
    assert rows(tmp_path / "out") == rows(tmp_path / "undisturbed")
