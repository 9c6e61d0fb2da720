"""Where pictures may go is said in a URL that holds no secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from ich_cli.config import resolve
from ich_cli.errors import UsageError
from ich_cli.mllm.address import host_of, is_this_machine, proxy_of, server_url
from ich_cli.mllm.config import load_config
from ich_cli.mllm.settings import MllmSettings

SECRET = (
    "http://user:S3CRET@127.0.0.1:9/v1",
    "http://S3CRET@127.0.0.1:9/v1",
    "https://llm.example/v1?key=S3CRET",
    "https://llm.example/v1?api_key=S3CRET",
    "https://llm.example/v1#S3CRET",
    "https://user:S3CRET/@llm.example/v1",
    "user:S3CRET@llm.example/v1",
)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://localhost:11434/v1", "localhost:11434"),
        ("https://llm.example/openai/v1beta/", "llm.example"),
        ("HTTP://LLM.example", "llm.example"),
        ("http://[::1]:8000/v1", "[::1]:8000"),
        ("http://10.0.0.7:8000", "10.0.0.7:8000"),
    ],
)
def test_url_of_a_server(url: str, host: str) -> None:
    assert server_url(url) == url
    assert host_of(url) == host


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8000",
        "localhost:11434/v1",
        "unix:///var/run/llm.sock",
        "http+unix://%2Fvar%2Frun%2Fllm.sock/v1",
        "file:///etc",
        "http://",
        "http:///v1",
        "http://[::1",
        "http://host:port/v1",
        "http://host:99999/v1",
        "http://host:1:2/v1",
        " http://host/v1",
        "http://host/v1\n",
        "http://ho st/v1",
        "http://host\\.example/v1",
    ],
)
def test_what_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="the URL of a server"):
        server_url(url)


@pytest.mark.parametrize("url", SECRET)
class TestSecret:
    def test_is_refused_for_the_second_reader(self, url: str) -> None:
        with pytest.raises(ValidationError) as caught:
            MllmSettings(url=url, model="m")
        assert "S3CRET" not in str(caught.value)

    def test_is_refused_in_every_layer_of_the_settings(self, url: str, tmp_path: Path) -> None:
        file = tmp_path / "ich.yaml"
        file.write_text(f"mllm_url: {json.dumps(url)}\n", "utf-8")
        layers = (
            ({"mllm_url": url}, None, {}),
            ({}, None, {"ICH_MLLM_URL": url}),
            ({}, file, {}),
        )
        for flags, config, environ in layers:
            with pytest.raises(UsageError, match="mllm_url") as caught:
                resolve(flags, config=config, environ=environ)
            assert "S3CRET" not in str(caught.value)

    def test_is_refused_in_the_table_of_providers(self, url: str, tmp_path: Path) -> None:
        table = tmp_path / "mllm.yaml"
        table.write_text(json.dumps({"providers": {"openai": {"base_url": url}}}), "utf-8")
        with pytest.raises(UsageError, match=r"providers\.openai\.base_url") as caught:
            load_config(table)
        assert "S3CRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:11434/v1", True),
        ("http://127.8.9.1/v1", True),
        ("http://[::1]:8000", True),
        ("http://llm.localhost/", True),
        ("http://192.168.0.4/v1", False),
        ("https://localhost.example.org", False),
        ("https://api.openai.com/v1", False),
    ],
)
def test_this_machine_is_the_loopback_interface(url: str, here: bool) -> None:
    assert is_this_machine(url) is here


@pytest.mark.parametrize(
    ("variable", "value", "proxy"),
    [
        ("https_proxy", "http://user:S3CRET@proxy.example:3128", "proxy.example:3128"),
        ("https_proxy", "proxy.example:3128", "proxy.example:3128"),
        ("all_proxy", "socks5://proxy.example", "proxy.example"),
        ("http_proxy", "http://proxy.example", None),
    ],
)
def test_proxy_is_named_without_its_login(
    variable: str, value: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv(variable, value)
    assert proxy_of("https://llm.example/v1") == proxy
    assert proxy_of("https://127.0.0.1:8000/v1") is None
