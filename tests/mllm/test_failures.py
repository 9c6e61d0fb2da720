"""Faults on the way to a server: tried again, given up in time, told without a secret."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from ich_cli.mllm.second_reader import read
from tests.mllm.conftest import IPH, KEYS, PROVIDERS, WIRE, Ask, MakeReader, say
from tests.mllm.scans import head, prediction
from tests.mllm.servers import Scripted, Sent, chat, error


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "fault",
    [error(429, headers={"retry-after": "0"}), error(500), error(529), Scripted(drop=True)],
    ids=["429", "500", "529", "dropped"],
)
def test_passing_fault_is_tried_again(
    provider: str, fault: Scripted, make_reader: MakeReader
) -> None:
    reader, server = make_reader(provider, [fault, fault, WIRE[provider](say())])
    opinion = read(head(), prediction(), IPH, reader)
    assert opinion.tier == "agree", opinion.reason
    assert len(server.sent) == 3, "the SDK's own retries are off"
    assert opinion.raw["conversations"][0]["exchanges"][0]["attempts"] == 3


def test_retry_after_is_honoured(ask: Ask) -> None:
    wait = error(429, headers={"retry-after": "0.4"})
    _, server = ask([wait, chat(say())])
    assert server.sent[1].at - server.sent[0].at >= 0.4


def test_wait_beyond_the_deadline_is_not_begun(ask: Ask) -> None:
    started = time.monotonic()
    wait = error(429, headers={"retry-after": "3600"})
    opinion, server = ask([wait], deadline_s=5)
    assert opinion.reason.startswith("rate_limited")
    assert time.monotonic() - started < 5
    assert len(server.sent) == 1


def test_lasting_fault_ends_after_the_attempts(ask: Ask) -> None:
    opinion, server = ask([error(503)], attempts=3)
    assert opinion.reason.startswith("server_error: HTTP 503")
    assert len(server.sent) == 3


def test_slow_server_times_out(ask: Ask) -> None:
    slow = Scripted({}, delay_s=3)
    opinion, server = ask([slow], timeout_s=0.2, attempts=2)
    assert opinion.reason.startswith("timeout")
    assert len(server.sent) == 2


def test_trickling_server_times_out(ask: Ask) -> None:
    trickle = Scripted(chat(say()).body, trickle_s=0.05)
    started = time.monotonic()
    opinion, _ = ask([trickle], timeout_s=0.5, attempts=1)
    assert opinion.reason.startswith("timeout")
    assert time.monotonic() - started < 5


def test_nobody_there(make_reader: MakeReader) -> None:
    reader, _ = make_reader("compatible", [], url="http://127.0.0.1:9/v1", attempts=2)
    opinion = read(head(), prediction(), IPH, reader)
    assert opinion.reason.startswith("connection")


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("status", [400, 404, 413])
def test_rejection_is_final(provider: str, status: int, make_reader: MakeReader) -> None:
    reader, server = make_reader(provider, [error(status)])
    opinion = read(head(), prediction(), IPH, reader)
    assert opinion.reason.startswith(f"rejected: HTTP {status}")
    assert len(server.sent) == 1


def test_wrong_key_is_tried_once_a_run(make_reader: MakeReader) -> None:
    reader, server = make_reader("claude", [error(401, "invalid x-api-key")])
    opinions = [read(head(), prediction(), IPH, reader) for _ in range(3)]
    assert {o.reason.split(":")[0] for o in opinions} == {"auth"}
    assert len(server.sent) == 1


def test_error_message_never_shows_the_key(make_reader: MakeReader) -> None:
    key = KEYS["openai"][1]
    reader, _ = make_reader("openai", [error(401, f"Incorrect API key provided: {key}")])
    opinion = read(head(), prediction(), IPH, reader)
    assert opinion.reason.startswith("auth")
    assert key not in opinion.reason + json.dumps(opinion.raw)


def test_lasting_outage_costs_one_try_a_scan(make_reader: MakeReader) -> None:
    reader, server = make_reader("compatible", [error(503)], attempts=4, outage_after=2)
    for _ in range(5):
        read(head(), prediction(), IPH, reader)
    assert len(server.sent) == 4 + 4 + 1 + 1 + 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_option_that_a_model_does_not_take_is_left_out(
    provider: str, make_reader: MakeReader
) -> None:
    no_temperature = error(400, "Unsupported parameter: 'temperature' is not supported")
    good = WIRE[provider](say())
    reader, server = make_reader(provider, [no_temperature, good, good])
    opinions = [read(head(), prediction(), IPH, reader) for _ in range(2)]
    assert [o.tier for o in opinions] == ["agree", "agree"]
    assert len(server.sent) == 3, "remembered for the rest of the run"
    assert b'"temperature"' in server.sent[0].raw
    assert b'"temperature"' not in server.sent[1].raw + server.sent[2].raw
    assert opinions[1].raw["options_not_taken"] == ["temperature"]


def test_server_without_json_mode_still_gets_the_schema_as_text(make_reader: MakeReader) -> None:
    reader, server = make_reader(
        "compatible", [error(400, "response_format is not supported"), chat(say())]
    )
    assert read(head(), prediction(), IPH, reader).tier == "agree"
    assert "response_format" not in server.sent[1].body
    assert "additionalProperties" in server.sent[1].raw.decode()


def test_flaky_server_loses_no_opinion(make_reader: MakeReader) -> None:
    faults: list[Callable[[], Scripted]] = [
        lambda: chat(say()),
        lambda: error(429, headers={"retry-after": "0.001"}),
        lambda: error(500),
        lambda: Scripted(drop=True),
        lambda: chat("not json at all"),
        lambda: chat(say()),
        lambda: Scripted(b"<html>", content_type="text/html"),
        lambda: error(400),
    ]

    def flaky(_: Sent, number: int) -> Scripted:
        return faults[(number * 7919) % 1009 % len(faults)]()

    reader, server = make_reader("compatible", flaky, backoff_s=0.001, attempts=3)
    volume, probs = head(n=6, size=32, pixel_mm=7.0), prediction(6, 3)
    opinions = [read(volume, probs, IPH, reader) for _ in range(60)]
    tiers = [opinion.tier for opinion in opinions]
    assert set(tiers) == {"agree", "unavailable"}
    assert tiers.count("agree") >= 15
    assert all(bool(o.reason) is (o.tier == "unavailable") for o in opinions)
    assert len(server.sent) > 60
