"""ONNX Runtime reports nothing to its maker: no identifier of the machine is made for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.toy import write_network

READ = """
import sys
import numpy as np
import ich_cli

network = ich_cli.load_model(sys.argv[1], device="cpu", threads=1)
network.predict(np.zeros((1, 32, 32), np.float32), (5.0, 1.0, 1.0))
"""


@pytest.mark.parametrize("said", [{}, {"ORT_DISABLE_TELEMETRY": "0"}], ids=["unset", "allowed"])
def test_reading_a_scan_leaves_nothing_behind_that_could_be_sent(
    tmp_path: Path, said: dict[str, str]
) -> None:
    card = write_network(tmp_path / "network")
    home = tmp_path / "home"
    home.mkdir()
    # Nothing else of the environment: ONNX Runtime keeps still where it finds a CI server's.
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], **said}
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", READ, card], cwd=root, env=environment, check=True)
    assert not [path for path in home.rglob("*") if path.is_file()]
