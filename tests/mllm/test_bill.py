"""Tokens that a reply counts are on the bill, also where it brings no answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ich_cli.mllm.budget import Spent
from ich_cli.mllm.second_reader import read
from ich_cli.mllm.settings import Reader
from tests.mllm.conftest import IPH, MakeReader, say
from tests.mllm.scans import head, prediction
from tests.mllm.servers import Scripted, chat, claude, error, gemini, responses

FAILED = responses(None).body | {"status": "failed", "error": {"code": "server_error"}}
UNREAD = gemini(None, finish="OTHER")


def gemini_with(**candidate: Any) -> Scripted:
    """A reply of Gemini with other facts of its candidate."""
    body = gemini(say()).body
    return Scripted(body | {"candidates": [body["candidates"][0] | candidate]})


def opinions_of(reader: Reader, count: int = 1) -> list[Any]:
    return [read(head(), prediction(), IPH, reader) for _ in range(count)]


@pytest.mark.parametrize(
    ("provider", "reply", "reason"),
    [
        ("gemini", UNREAD, "server_error"),
        ("gemini", gemini_with(content="text"), "bad_reply"),
        ("gemini", gemini_with(content={"parts": [{"text": 5}]}), "bad_reply"),
        ("gemini", gemini_with(finishReason=7), "refusal"),
        ("gemini", gemini_with(finishReason="OF_NEXT_YEAR"), "refusal"),
        ("gemini", Scripted(gemini(None).body | {"candidates": None}), "bad_reply"),
        ("openai", Scripted(FAILED), "server_error"),
        ("compatible", Scripted(chat(None).body | {"choices": []}), "bad_reply"),
        ("compatible", Scripted(chat(None).body | {"choices": [None]}), "bad_reply"),
        ("claude", Scripted(claude(None).body | {"content": "text"}), "bad_reply"),
    ],
)
def test_is_booked_for_every_try(
    provider: str, reply: Scripted, reason: str, make_reader: MakeReader
) -> None:
    reader, server = make_reader(provider, [reply], attempts=3)
    (opinion,) = opinions_of(reader)
    assert opinion.reason.startswith(reason)
    tries = 3 if reason == "server_error" else 1
    assert len(server.sent) == tries
    assert reader.budget.spent == Spent(tries, 1000 * tries, 50 * tries)


def test_is_not_repeated_beyond_the_budget(make_reader: MakeReader) -> None:
    reader, server = make_reader("gemini", [UNREAD], attempts=4, budget_tokens=10_000)
    (opinion,) = opinions_of(reader)
    assert opinion.reason.startswith("budget_spent")
    assert len(server.sent) == 2
    assert reader.budget.spent == Spent(2, 2000, 100)


@pytest.mark.parametrize(
    "script",
    [
        [UNREAD, gemini(say()), UNREAD],
        [gemini(say()), gemini("no JSON"), gemini(None, block="SAFETY")],
        [error(503), UNREAD, error(400), gemini_with(content="text"), gemini(say())],
        [Scripted({name: value for name, value in gemini(say()).body.items() if name[0] != "u"})],
    ],
    ids=["failed-tries", "no-answers", "not-billed", "not-counted"],
)
@pytest.mark.parametrize("repeat", [1, 3])
def test_scans_add_up_to_the_run(
    script: list[Scripted], repeat: int, make_reader: MakeReader
) -> None:
    reader, _ = make_reader(
        "gemini",
        script,
        model="priced",
        prices={"priced": {"input": 2.0, "output": 8.0}},
        attempts=2,
        repeat=repeat,
    )
    raws = [json.loads(json.dumps(opinion.raw)) for opinion in opinions_of(reader, 4)]
    run = reader.describe()
    for fact in ("requests", "tokens_in", "tokens_out", "cost_usd"):
        assert run[fact] == pytest.approx(sum(raw[fact] for raw in raws))
    assert run["tokens_in"] > 0


def test_scan_whose_tries_failed_has_a_cost(make_reader: MakeReader) -> None:
    reader, _ = make_reader("gemini", [UNREAD], attempts=3)
    (opinion,) = opinions_of(reader)
    assert opinion.tier == "unavailable"
    assert (opinion.raw["requests"], opinion.raw["tokens_in"]) == (3, 3000)
