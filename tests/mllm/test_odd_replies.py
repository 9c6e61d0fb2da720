"""Servers that speak almost the right format: read where the meaning is plain, else told why."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from ich_cli.mllm.second_reader import read
from tests.mllm.conftest import IPH, Ask, MakeReader, say
from tests.mllm.scans import head, prediction
from tests.mllm.servers import Scripted, chat, error


def message(**fields: Any) -> Scripted:
    """A reply whose message has other fields."""
    reply = chat(say())
    reply.body["choices"][0]["message"] |= fields
    return reply


@pytest.mark.parametrize(
    "reply",
    [
        message(reasoning_content="It is bright.", tool_calls=None),
        message(content=[{"type": "text", "text": say()}]),
        message(
            content=[
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                {"type": "text", "text": say()[:20]},
                {"type": "text", "text": say()[20:]},
            ]
        ),
        message(content=f"```JSON\n{say()}\n```\n"),
        Scripted(chat(say()).body, content_type="text/plain"),
        Scripted(chat(say()).body, status=201),
        Scripted(
            gzip.compress(json.dumps(chat(say()).body).encode()),
            headers={"content-encoding": "gzip"},
        ),
    ],
    ids=["reasoning", "part", "parts", "fence", "text/plain", "201", "gzip"],
)
def test_plain_meaning_is_read(reply: Scripted, ask: Ask) -> None:
    opinion, _ = ask([reply])
    assert opinion.tier == "agree", opinion.reason


@pytest.mark.parametrize(
    "body",
    [
        {"choices": [None]},
        {"choices": {"0": 1}},
        {"choices": [{"message": say()}]},
        b'data: {"choices": [{"delta": {"content": "x"}}]}\n\ndata: [DONE]\n\n',
        b"[" * 100_000,
        b'{"choices": ' + b"9" * 10_000 + b"}",
        b'{"choices": "\xff"}',
        b"",
    ],
    ids=["null", "object", "text", "event-stream", "deep", "long-number", "not-utf-8", "nothing"],
)
def test_other_shape_is_a_bad_reply(body: object, ask: Ask) -> None:
    opinion, server = ask([Scripted(body)])
    assert (opinion.tier, opinion.reason.split(":")[0]) == ("unavailable", "bad_reply")
    assert len(server.sent) == 1


def test_reply_that_cannot_be_unpacked_is_a_bad_reply(ask: Ask) -> None:
    opinion, _ = ask([Scripted(b"\x1f\x8bjunk", headers={"content-encoding": "gzip"})])
    assert opinion.reason == "bad_reply: the reply cannot be unpacked"


def test_error_within_a_reply_is_told(ask: Ask) -> None:
    opinion, _ = ask([Scripted({"error": "Unexpected endpoint or method."})])
    assert opinion.reason == "bad_reply: the reply holds no choice: Unexpected endpoint or method."


def test_half_a_character_does_not_keep_the_reports_from_being_written(ask: Ask) -> None:
    """JSON can name half of a character, which no file in UTF-8 can hold."""
    reply = chat("so \ud83d it is")
    opinion, _ = ask([Scripted(reply.body | {"model": "m\udc00"}), error(400, "\ud83d")])
    text = json.dumps(opinion.raw, ensure_ascii=False) + opinion.reason
    assert text.encode("utf-8")
    assert opinion.raw["conversations"][0]["exchanges"][0]["text"] == "so ? it is"


def test_answer_that_is_no_text_is_empty_and_booked(make_reader: MakeReader) -> None:
    reader, _ = make_reader("compatible", [message(content={"haemorrhage": "no"})])
    opinion = read(head(), prediction(), IPH, reader)
    assert opinion.reason.startswith("empty")
    assert reader.budget.spent.tokens_in == 1000


@pytest.mark.parametrize("count", [-5000, "1000", 10.5, None])
def test_count_that_is_none_is_taken_at_the_estimate(
    count: object, make_reader: MakeReader
) -> None:
    """A negative one would give the budget back what was spent."""
    reply = chat(say())
    reply.body["usage"] = {"prompt_tokens": count, "completion_tokens": count}
    reader, _ = make_reader("compatible", [reply])
    assert read(head(), prediction(), IPH, reader).tier != "unavailable"
    assert reader.budget.spent.tokens_in > 1
    assert reader.budget.spent.tokens_out == len(say())


def test_odd_name_of_the_model_loses_no_answer(ask: Ask) -> None:
    opinion, _ = ask([Scripted(chat(say()).body | {"model": {"name": "x"}})])
    assert (opinion.tier, opinion.raw["model_answered"]) == ("agree", [])
