"""Settings become a reader, or one line that says what to change. Nothing is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ich_cli.errors import OutputError, UsageError
from ich_cli.mllm.keys import find_key, redact
from ich_cli.mllm.settings import MllmSettings, build_reader
from tests.mllm.conftest import KEYS, MakeReader


def test_one_of_provider_and_url_is_needed() -> None:
    with pytest.raises(ValidationError, match="name a provider"):
        MllmSettings()


@pytest.mark.parametrize(
    "wrong",
    [
        {"only_uncertain": (0.8, 0.2)},
        {"only_uncertain": (-0.1, 0.5)},
        {"url": "file:///etc"},
        {"repeat": 0},
        {"max_slices": 0},
        {"budget_usd": -1},
        {"rpm": 0},
        {"colour": "red"},
    ],
)
def test_impossible_setting_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MllmSettings(provider="gemini", **wrong)


@pytest.mark.parametrize("provider", KEYS)
def test_missing_key_names_the_variable(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ich_cli.mllm.keys._from_keyring", lambda _: None)
    with pytest.raises(UsageError, match=KEYS[provider][0]):
        build_reader(MllmSettings(provider=provider))


def test_key_may_come_from_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = pytest.importorskip("keyring")
    monkeypatch.setattr(keyring, "get_password", lambda service, user: f"{service}-{user}-key")
    assert find_key("gemini", ["GEMINI_API_KEY"]) == "ich-gemini-key"
    monkeypatch.setenv("GEMINI_API_KEY", "from-environment")
    assert find_key("gemini", ["GEMINI_API_KEY"]) == "from-environment"


def test_keys_are_taken_out_of_messages() -> None:
    text = "bad key abc123 and sk-proj-0123456789 and AIzaSyA0123456789012345678901"
    assert redact(text, "abc123") == "bad key *** and *** and ***"


def test_unknown_provider_lists_the_known() -> None:
    with pytest.raises(UsageError, match="openai, compatible, gemini, claude"):
        build_reader(MllmSettings(provider="oracle"))


def test_own_server_needs_the_name_of_its_model() -> None:
    with pytest.raises(UsageError, match="--mllm-model"):
        build_reader(MllmSettings(url="http://127.0.0.1:9/v1"))


def test_openai_with_a_url_is_a_compatible_server() -> None:
    settings = MllmSettings(provider="openai", url="http://127.0.0.1:9/v1", model="llava")
    assert build_reader(settings).label == "compatible/llava"


def test_max_slices_replaces_the_prompts_number(make_reader: MakeReader) -> None:
    reader, _ = make_reader("compatible", [], max_slices=7)
    assert reader.prompt.images.slices == 7


def test_key_never_shows_in_repr(make_reader: MakeReader) -> None:
    reader, _ = make_reader("claude", [])
    assert KEYS["claude"][1] not in repr(reader)


def test_description_for_the_runs_record(make_reader: MakeReader) -> None:
    reader, _ = make_reader("gemini", [], model="gemini-x")
    facts = reader.describe()
    assert facts["reader"] == "gemini/gemini-x"
    assert len(facts["prompt_sha256"]) == 64
    assert (facts["requests"], facts["cost_usd"], facts["price_known"]) == (0, None, False)


def test_dry_run_needs_no_key_but_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ich_cli.mllm.keys._from_keyring", lambda _: None)
    build_reader(MllmSettings(provider="gemini", dry_run=tmp_path / "dry"))
    blocker = tmp_path / "file"
    blocker.write_text("", "utf-8")
    with pytest.raises(OutputError):
        build_reader(MllmSettings(provider="gemini", dry_run=blocker / "dry"))


@pytest.mark.parametrize(
    ("settings", "deadline_s"),
    [
        ({"timeout_s": 90.0}, 300.0),
        ({"timeout_s": 900.0}, 1800.0),
        ({"timeout_s": 900.0, "deadline_s": 60.0}, 60.0),
    ],
)
def test_deadline_leaves_room_for_long_tries(
    settings: dict[str, float], deadline_s: float, make_reader: MakeReader
) -> None:
    reader, _ = make_reader("compatible", [], **settings)
    assert reader.patience.deadline_s == deadline_s
