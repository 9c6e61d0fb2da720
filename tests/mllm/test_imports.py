"""Start-up is instant: no SDK is imported before a provider is asked, then only its own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SDKS = ("openai", "anthropic", "google.genai", "httpx2", "keyring")


def imported_by(code: str) -> set[str]:
    report = f"{code}\nimport sys, json\nprint(json.dumps([m for m in {SDKS} if m in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", report], capture_output=True, text=True, check=True, timeout=120
    )
    return set(json.loads(done.stdout))


def test_second_reader_imports_no_sdk() -> None:
    code = "import ich_cli.mllm.second_reader, ich_cli.mllm.settings, ich_cli.mllm.consent"
    assert imported_by(code) == set()


@pytest.mark.parametrize("provider", ["claude"])
def test_provider_imports_its_own_sdk_only(provider: str) -> None:
    code = (
        "from pathlib import Path; from tempfile import mkdtemp\n"
        "from ich_cli.mllm.settings import MllmSettings, build_reader\n"
        f"build_reader(MllmSettings(provider='{provider}', dry_run=Path(mkdtemp())))"
    )
    assert imported_by(code) - {"keyring"} == {"anthropic", "httpx2"}
