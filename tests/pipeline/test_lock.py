from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ich_cli.errors import LockedError, OutputError
from ich_cli.pipeline.lock import LOCK_FILE, Owner, hold, holder

HOLD = """
import sys, time
from pathlib import Path
from ich_cli.pipeline.lock import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def hold_elsewhere(out: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(out)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_run_is_refused_and_told_who_holds_the_lock(tmp_path: Path) -> None:
    with hold_elsewhere(tmp_path) as other:
        try:
            with (
                pytest.raises(LockedError, match=f"process {other.pid} on") as error,
                hold(tmp_path),
            ):
                pass
            assert error.value.exit_code == 5
            owner = holder(tmp_path)
            assert owner is not None
            assert owner.pid == other.pid
        finally:
            other.kill()


def test_the_lock_of_a_killed_run_is_free_and_its_owner_known(tmp_path: Path) -> None:
    with hold_elsewhere(tmp_path) as other:
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
    assert holder(tmp_path) is None
    with hold(tmp_path) as stale:
        assert stale is not None
        assert stale.pid == other.pid


def test_a_run_that_ended_well_leaves_no_trace_of_itself(tmp_path: Path) -> None:
    with hold(tmp_path):
        assert holder(tmp_path) is not None
    with hold(tmp_path) as stale:
        assert stale is None


def test_a_number_of_process_that_lives_again_does_not_make_a_lock(tmp_path: Path) -> None:
    owner = {"pid": os.getpid(), "host": "here", "since": 0.0, "command": "ich"}
    (tmp_path / LOCK_FILE).write_text(" " + json.dumps(owner))
    with hold(tmp_path) as stale:
        assert stale == Owner(**owner)


@pytest.mark.parametrize("content", ["", "nonsense", " {}", ' {"pid": 1', "\0" * 100])
def test_a_lock_file_with_any_content_can_be_taken(tmp_path: Path, content: str) -> None:
    (tmp_path / LOCK_FILE).write_text(content)
    with hold(tmp_path) as stale:
        assert stale is None


def test_two_output_folders_do_not_know_of_each_other(tmp_path: Path) -> None:
    with hold(tmp_path / "a"), hold(tmp_path / "b"):
        pass


def test_age_is_never_negative_when_the_clock_went_back() -> None:
    assert Owner(1, "h", 1000.0, "ich").age_s(now=10.0) == 0.0


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"), hold(tmp_path / "file" / "out"):
        pass
