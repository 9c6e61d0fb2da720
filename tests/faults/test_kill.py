"""Kill -9 at any moment loses nothing and doubles nothing."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.quick import write_copies

from .runs import finished, kill_at_random, never_torn, python, rows, scan, scan_command

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX processes")

# A fresh interpreter, because a fork must not inherit the threads of an open session.
DRIVER = """
import json, os, sys, time
from pathlib import Path
from tests.faults.runs import finished, fork_scan, kill_at_random, never_torn
inputs, undisturbed, out, card = (Path(arg) for arg in sys.argv[1:5])
began = time.monotonic()
assert os.waitpid(fork_scan(inputs, undisturbed, card), 0)[1] == 0
took = time.monotonic() - began
progress = []

def begin():
    if out.exists():
        never_torn(out)
    progress.append(finished(out))
    return fork_scan(inputs, out, card)

killed = kill_at_random(begin, out, int(sys.argv[5]), startup_s=0.3 * took, seed=6)
print(json.dumps({"killed": killed, "progress": progress}))
"""


def test_runs_killed_at_random_moments_end_in_the_rows_of_one_that_was_not(
    tmp_path: Path, card: Path, templates: list[Path]
) -> None:
    inputs, undisturbed, out = tmp_path / "in", tmp_path / "undisturbed", tmp_path / "disturbed"
    write_copies(templates, inputs, 12)
    driven = python(DRIVER, inputs, undisturbed, out, card, 10)
    assert driven.returncode == 0, driven.stderr
    told = json.loads(driven.stdout)
    assert told["killed"] >= 5
    assert len(set(told["progress"])) >= 3, "the kills did not hit the run at work"
    scan(inputs, out, card)
    expected = rows(undisturbed)
    assert len(expected) == 12
    assert rows(out) == expected


@pytest.mark.soak
def test_fifty_kills_of_the_command_over_sixty_studies(
    tmp_path: Path, card: Path, templates: list[Path]
) -> None:
    inputs, out = tmp_path / "in", tmp_path / "disturbed"
    write_copies(templates, inputs, 60)
    _, idle_s = (_seconds(scan_command(inputs, tmp_path / "undisturbed", card)) for _ in "ab")
    progress = []

    def begin() -> int:
        if out.exists():
            never_torn(out)
        progress.append(finished(out))
        arguments = scan_command(inputs, out, card, "--quiet")
        return subprocess.Popen(arguments, start_new_session=True).pid

    killed = kill_at_random(begin, out, kills=50, startup_s=idle_s, seed=6)
    subprocess.run(scan_command(inputs, out, card, "--quiet"), check=True)
    assert rows(out) == rows(tmp_path / "undisturbed")
    assert len(rows(out)) == 60
    assert killed == 50
    assert len(set(progress)) >= 10


def _seconds(arguments: list[str]) -> float:
    began = time.monotonic()
    subprocess.run([*arguments, "--quiet"], check=True)
    return time.monotonic() - began
