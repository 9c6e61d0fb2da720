"""A reader in front of a scripted server, small and quick."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ich_cli.domain import Assessment, SecondOpinion, Subtype
from ich_cli.mllm.second_reader import read
from ich_cli.mllm.settings import MllmSettings, Reader, build_reader
from tests.mllm import servers
from tests.mllm.scans import assessment, head, prediction
from tests.mllm.servers import Script, Scripted, Server

KEYS = {
    "openai": ("OPENAI_API_KEY", "sk-test-KEYKEYKEYKEY"),
    "gemini": ("GEMINI_API_KEY", "AIzaKEYKEYKEYKEYKEYKEYKEYKEYKEY"),
    "claude": ("ANTHROPIC_API_KEY", "sk-ant-KEYKEYKEYKEY"),
}
WIRE: dict[str, Callable[..., Scripted]] = {
    "openai": servers.responses,
    "gemini": servers.gemini,
    "claude": servers.claude,
    "compatible": servers.chat,
}
PROVIDERS = tuple(WIRE)

YES = {
    "haemorrhage": "yes",
    "subtypes": ["IPH"],
    "side": "left",
    "regions": ["deep_grey"],
    "volume_ml": 20.0,
}
NO = {"haemorrhage": "no", "subtypes": [], "side": "none", "regions": [], "volume_ml": 0}

SMALL_PROMPT = """\
id: small
version: 3
language: en
unit: scan
images:
  slices: 2
  panel_px: 64
  windows: [{name: brain, width: 80, level: 40}]
system: You answer closed questions.
steps:
  - {answer: scan, ask: "You see $slices slices in $windows. Is there blood?"}
"""


def say(**changes: Any) -> str:
    """A positive answer of the scan schema, with changes."""
    return json.dumps(YES | changes)


@pytest.fixture
def small_prompt(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL_PROMPT, "utf-8")
    return path


@pytest.fixture
def serve() -> Iterator[Callable[[Script], Server]]:
    """Start a server that stops with the test."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(servers.running(script))


MakeReader = Callable[..., tuple[Reader, Server]]


@pytest.fixture
def make_reader(
    serve: Callable[[Script], Server],
    small_prompt: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> MakeReader:
    """A reader of a provider whose server follows a script."""

    def make(provider: str, script: Script, **settings: Any) -> tuple[Reader, Server]:
        server = serve(script)
        if provider in KEYS:
            monkeypatch.setenv(*KEYS[provider])
        defaults: dict[str, Any] = {
            "prompt": str(small_prompt),
            "backoff_s": 0.01,
            "timeout_s": 5.0,
            "use_cache": False,
        }
        if provider == "compatible":
            defaults |= {"url": f"{server.url}/v1", "model": "local-model"}
        else:
            base = f"{server.url}/v1" if provider == "openai" else server.url
            config = tmp_path / f"{provider}.yaml"
            prices = settings.pop("prices", {})
            table = {"providers": {provider: {"base_url": base}}, "prices": prices}
            config.write_text(json.dumps(table), "utf-8")
            defaults |= {"provider": provider, "config": config}
        return build_reader(MllmSettings(**(defaults | settings))), server

    return make


IPH = assessment(Subtype.IPH)
Ask = Callable[..., tuple[SecondOpinion, Server]]


@pytest.fixture
def ask(make_reader: MakeReader) -> Ask:
    """The opinion of a compatible server that follows a script, on a scan with an IPH."""

    def run(
        script: Script, ours: Assessment = IPH, **settings: Any
    ) -> tuple[SecondOpinion, Server]:
        reader, server = make_reader("compatible", script, **settings)
        return read(head(), prediction(), ours, reader), server

    return run
