"""Names of models and prices are data, and the user's data win."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ich_cli.errors import UsageError
from ich_cli.mllm.config import load_config, user_file
from ich_cli.mllm.providers import REGISTRY


def test_every_provider_has_an_entry_and_code() -> None:
    assert set(load_config().providers) == set(REGISTRY)


def test_users_file_is_laid_over_field_by_field(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    own = {
        "providers": {"gemini": {"model": "gemini-9"}},
        "prices": {"gemini-9": {"input": 1, "output": 2}},
    }
    path.write_text(json.dumps(own), "utf-8")
    config = load_config(path)
    assert config.providers["gemini"].model == "gemini-9"
    assert config.providers["gemini"].key_variables == ("GEMINI_API_KEY", "GOOGLE_API_KEY")
    price = config.prices["gemini-9"]
    assert price is not None
    assert price.usd(1_000_000, 500_000) == 2.0
    assert config.providers["claude"] == load_config().providers["claude"]


def test_users_file_is_found_in_the_configuration_folder() -> None:
    path = user_file()
    path.parent.mkdir(parents=True)
    path.write_text("providers: {openai: {model: mine}}", "utf-8")
    assert load_config().providers["openai"].model == "mine"


def test_named_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """It may name a gateway: without it, pictures would go to the provider itself."""
    with pytest.raises(UsageError, match=r"no table of providers .*gone\.yaml; correct"):
        load_config(tmp_path / "gone.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "providers: [",
        "providers: {openai: {modle: x}}",
        "prices: {m: {input: -1, output: 1}}",
    ],
)
def test_fault_in_the_users_file_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageError) as caught:
        load_config(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
