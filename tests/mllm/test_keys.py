"""Nothing that is sent shows in a log, whatever the SDKs are told by the environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mllm.conftest import KEYS, WIRE, say
from tests.mllm.servers import Script, Server

READ = """
import sys
from ich_cli.mllm.second_reader import read
from ich_cli.mllm.settings import MllmSettings, build_reader
from tests.mllm.scans import assessment, head, prediction

provider, prompt, config = sys.argv[1:]
settings = MllmSettings(provider=provider, prompt=prompt, config=config, use_cache=False)
print(read(head(), prediction(), assessment(), build_reader(settings)).any)
"""


@pytest.mark.parametrize(
    ("provider", "variable"), [("openai", "OPENAI_LOG"), ("claude", "ANTHROPIC_LOG")]
)
def test_log_level_of_the_environment_is_not_taken(
    provider: str,
    variable: str,
    serve: Callable[[Script], Server],
    small_prompt: Path,
    tmp_path: Path,
) -> None:
    """In a process of its own: the SDKs look at the variable when they are imported."""
    server = serve([WIRE[provider](say())])
    config = tmp_path / "mllm.yaml"
    base = f"{server.url}/v1" if provider == "openai" else server.url
    config.write_text(json.dumps({"providers": {provider: {"base_url": base}}}), "utf-8")
    run = subprocess.run(
        [sys.executable, "-c", READ, provider, str(small_prompt), str(config)],
        env=os.environ | {variable: "debug", KEYS[provider][0]: KEYS[provider][1]},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.stdout, run.stderr, len(server.sent)) == ("True\n", "", 1)
