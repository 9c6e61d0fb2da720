"""What the official SDKs really send, and how their replies are read."""

from __future__ import annotations

import io
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ich_cli.errors import UsageError
from ich_cli.mllm.answer import json_schema
from ich_cli.mllm.second_reader import read
from tests.mllm.conftest import KEYS, PROVIDERS, WIRE, MakeReader, say
from tests.mllm.scans import assessment, head, prediction
from tests.mllm.servers import Scripted, Sent, chat, claude, gemini, responses

PATHS = {
    "openai": "/v1/responses",
    "gemini": ":generateContent",
    "claude": "/v1/messages",
    "compatible": "/v1/chat/completions",
}
SERVED = {
    "openai": "gpt-served",
    "gemini": "gemini-served",
    "claude": "claude-served",
    "compatible": "served-model-7b",
}


def schema_in(provider: str, body: dict[str, Any]) -> Any:
    if provider == "openai":
        assert body["text"]["format"]["strict"] is True
        return body["text"]["format"]["schema"]
    if provider == "compatible":
        assert body["response_format"]["json_schema"]["strict"] is True
        return body["response_format"]["json_schema"]["schema"]
    if provider == "claude":
        assert body["output_config"]["format"]["type"] == "json_schema"
        return body["output_config"]["format"]["schema"]
    assert body["generationConfig"]["responseMimeType"] == "application/json"
    return body["generationConfig"]["responseJsonSchema"]


_SENT: dict[str, Sent] = {}


def one_request(provider: str, make_reader: MakeReader, *, again: bool = False) -> Sent:
    """What a provider's SDK sends for one scan; asked once for all tests of this file."""
    if provider not in _SENT or again:
        reader, server = make_reader(provider, [WIRE[provider](say())])
        opinion = read(head(), prediction(), assessment(), reader)
        assert opinion.any is True, opinion.reason
        assert len(server.sent) == 1
        if again:
            return server.sent[0]
        _SENT[provider] = server.sent[0]
    return _SENT[provider]


@pytest.mark.parametrize("provider", PROVIDERS)
class TestRequest:
    def test_goes_to_the_documented_path(self, provider: str, make_reader: MakeReader) -> None:
        assert one_request(provider, make_reader).path.endswith(PATHS[provider])

    def test_carries_the_pictures_as_png(self, provider: str, make_reader: MakeReader) -> None:
        pictures = one_request(provider, make_reader).images
        assert len(pictures) == 2
        for png in pictures:
            picture = Image.open(io.BytesIO(png))
            picture.load()
            assert (picture.format, picture.mode, picture.info) == ("PNG", "L", {})

    def test_carries_the_closed_schema(self, provider: str, make_reader: MakeReader) -> None:
        body = one_request(provider, make_reader).body
        assert schema_in(provider, body) == json_schema("scan")

    def test_does_not_stream(self, provider: str, make_reader: MakeReader) -> None:
        sent = one_request(provider, make_reader)
        assert not sent.body.get("stream", False)
        assert "stream" not in sent.path.lower()

    def test_carries_the_question_and_the_system_text(
        self, provider: str, make_reader: MakeReader
    ) -> None:
        text = json.dumps(one_request(provider, make_reader).body)
        assert "You see 2 slices in brain (W80/L40). Is there blood?" in text
        assert "You answer closed questions." in text

    def test_asks_for_temperature_zero(self, provider: str, make_reader: MakeReader) -> None:
        body = one_request(provider, make_reader).body
        assert body.get("temperature", body.get("generationConfig", {}).get("temperature")) == 0

    def test_carries_the_key_in_a_header_only(self, provider: str, make_reader: MakeReader) -> None:
        sent = one_request(provider, make_reader)
        key = KEYS.get(provider, ("", "none"))[1]
        assert any(value.endswith(key) for value in sent.headers.values())
        assert key == "none" or key not in sent.path + sent.raw.decode()

    def test_server_says_which_model_answered(self, provider: str, make_reader: MakeReader) -> None:
        reader, _ = make_reader(provider, [WIRE[provider](say())])
        raw = read(head(), prediction(), assessment(), reader).raw
        assert raw["model_answered"] == [SERVED[provider]]
        assert (raw["tokens_in"], raw["tokens_out"]) == (1000, 50)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_headers_tell_of_this_machine_what_is_documented(
    provider: str, make_reader: MakeReader
) -> None:
    headers = one_request(provider, make_reader).headers
    told = {name for name, value in headers.items() if platform.python_version() in value}
    if provider == "gemini":
        assert told == {"user-agent", "x-goog-api-client"}
        assert not any(name.startswith("x-stainless") for name in headers)
    else:
        assert told == {"x-stainless-runtime-version"}
        assert {"x-stainless-os", "x-stainless-arch"} <= headers.keys()
    assert platform.release() not in str(headers)


def test_openai_is_told_to_store_nothing(make_reader: MakeReader) -> None:
    assert one_request("openai", make_reader).body["store"] is False


@pytest.mark.parametrize("provider", ["gemini", "compatible"])
def test_seed_is_sent_where_it_is_offered(provider: str, make_reader: MakeReader) -> None:
    body = one_request(provider, make_reader).body
    assert body.get("seed", body.get("generationConfig", {}).get("seed")) == 7


def test_other_server_never_gets_a_providers_key(
    make_reader: MakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-belongs-to-openai")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-belongs-to-openai")
    monkeypatch.setenv("ICH_MLLM_API_KEY", "for-this-server")
    headers = one_request("compatible", make_reader, again=True).headers
    assert headers["authorization"] == "Bearer for-this-server"
    assert "belongs-to-openai" not in str(headers)


CUSTOM = {
    "OPENAI_CUSTOM_HEADERS": "Authorization: Bearer of-another\nX-Gateway: of-another",
    "ANTHROPIC_CUSTOM_HEADERS": "X-Api-Key: of-another\nX-Gateway: of-another",
}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("by_url", [False, True])
def test_headers_of_the_environment_stay_here(
    provider: str, by_url: bool, make_reader: MakeReader, serve: Any, monkeypatch: Any
) -> None:
    for name, value in CUSTOM.items():
        monkeypatch.setenv(name, value)
    named = serve([WIRE[provider](say())])
    settings = {"url": named.url, "model": "m"} if by_url else {}
    reader, server = make_reader(
        provider, [WIRE[provider](say())], **({} if provider == "openai" else settings)
    )
    assert read(head(), prediction(), assessment(), reader).any is True
    (sent,) = server.sent or named.sent
    assert "of-another" not in str(sent.headers)
    assert {name: os.environ[name] for name in CUSTOM} == CUSTOM


@pytest.mark.parametrize(
    ("provider", "reply"),
    [
        ("openai", responses(None, refusal="I cannot help with that")),
        ("openai", responses(None, stopped="content_filter")),
        ("compatible", chat(None, refusal="I cannot help with that")),
        ("compatible", chat("", finish="content_filter")),
        ("gemini", gemini(None, finish="SAFETY")),
        ("gemini", gemini(None, block="PROHIBITED_CONTENT")),
        ("claude", claude(None, stop="refusal")),
    ],
)
def test_refusal_of_the_wire_format(
    provider: str, reply: Scripted, make_reader: MakeReader
) -> None:
    reader, server = make_reader(provider, [reply])
    opinion = read(head(), prediction(), assessment(), reader)
    assert (opinion.tier, opinion.any) == ("unavailable", None)
    assert opinion.reason.startswith("refusal")
    assert len(server.sent) == 1


@pytest.mark.parametrize(
    ("provider", "reply"),
    [
        ("openai", responses(say()[:40], stopped="max_output_tokens")),
        ("compatible", chat(say()[:40], finish="length")),
        ("gemini", gemini(say()[:40], finish="MAX_TOKENS")),
        ("claude", claude(say()[:40], stop="max_tokens")),
    ],
)
def test_truncation_of_the_wire_format(
    provider: str, reply: Scripted, make_reader: MakeReader
) -> None:
    reader, _ = make_reader(provider, [reply])
    assert read(head(), prediction(), assessment(), reader).reason.startswith("truncated")


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "reply",
    [
        Scripted(b"<html>please log in</html>", content_type="text/html"),
        Scripted(b"{broken", content_type="application/json"),
        Scripted({}),
        Scripted({"choices": [], "output": [], "candidates": [], "content": []}),
        Scripted([1, 2]),
        Scripted(None),
    ],
    ids=["html", "broken", "empty", "no-parts", "list", "null"],
)
def test_reply_that_is_not_the_providers_json(
    provider: str, reply: Scripted, make_reader: MakeReader
) -> None:
    reader, _ = make_reader(provider, [reply])
    opinion = read(head(), prediction(), assessment(), reader)
    assert opinion.tier == "unavailable"
    assert opinion.reason.split(":")[0] in {"bad_reply", "empty"}, opinion.reason


@pytest.mark.parametrize("provider", PROVIDERS)
def test_redirect_is_not_followed(provider: str, make_reader: MakeReader, serve: Any) -> None:
    elsewhere = serve([WIRE[provider](say())])
    moved = Scripted({}, status=307, headers={"location": elsewhere.url + "/v1/x"})
    reader, _ = make_reader(provider, [moved])
    opinion = read(head(), prediction(), assessment(), reader)
    assert opinion.tier == "unavailable"
    assert elsewhere.sent == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_proxy_never_sees_what_stays_on_this_machine(
    provider: str, make_reader: MakeReader, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve([WIRE[provider](say())])
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    reader, server = make_reader(provider, [WIRE[provider](say())])
    assert read(head(), prediction(), assessment(), reader).any is True
    assert (len(server.sent), len(proxy.sent)) == (1, 0)


@pytest.mark.parametrize("proxy", ["socks5://user:S3CRET@127.0.0.1:9", "ftp://u:S3CRET@host"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_proxy_of_another_kind_is_told_without_its_login(
    provider: str, proxy: str, make_reader: MakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.setitem(sys.modules, "socksio", None)
    with pytest.raises(UsageError, match="ALL_PROXY cannot be used") as caught:
        make_reader(provider, [], url="https://llm.example/v1", model="m")
    assert "S3CRET" not in str(caught.value)
    local, server = make_reader(provider, [WIRE[provider](say())])
    assert read(head(), prediction(), assessment(), local).any is True
    assert len(server.sent) == 1


def test_log_in_of_netrc_stays_here(
    make_reader: MakeReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login of-another password of-another\n", "utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    headers = one_request("compatible", make_reader, again=True).headers
    assert headers["authorization"] == "Bearer none"


def test_two_keys_of_one_provider_are_not_remarked_upon(
    make_reader: MakeReader, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Google's SDK would say that it uses GOOGLE_API_KEY, which it does not."""
    monkeypatch.setenv("GOOGLE_API_KEY", "of-another")
    monkeypatch.setenv("GOOGLE_GENAI_HTTP_CLIENT", "httpx")
    headers = one_request("gemini", make_reader, again=True).headers
    assert headers["x-goog-api-key"] == KEYS["gemini"][1]
    assert caplog.text == ""


def test_proxy_of_the_site_is_used_for_others(
    make_reader: MakeReader, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve([chat(say())])
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    reader, _ = make_reader("compatible", [], url="http://elsewhere.invalid/v1")
    assert read(head(), prediction(), assessment(), reader).any is True
    assert proxy.sent[0].path == "http://elsewhere.invalid/v1/chat/completions"
