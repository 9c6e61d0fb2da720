"""One conversation: the steps of a prompt over some pictures, each answer checked at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ich_cli.domain import Reason
from ich_cli.mllm.answer import Answer, Presence, json_schema
from ich_cli.mllm.budget import BudgetSpentError, Tab
from ich_cli.mllm.cache import cache_key
from ich_cli.mllm.parse import parse
from ich_cli.mllm.prompts import Step
from ich_cli.mllm.settings import Reader
from ich_cli.mllm.transport import Send, deliver
from ich_cli.mllm.wire import Ask, Finish, ProviderError, Reply, Turn


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and what came back, for the record."""

    step: str
    text: str
    model: str | None
    tokens_in: int | None
    tokens_out: int | None
    seconds: float
    attempts: int
    cached: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """The answers by field, or the reason why there are none."""

    answers: Mapping[str, Any] = field(default_factory=dict)
    exchanges: tuple[Exchange, ...] = ()
    failure: Reason | None = None


def converse(
    reader: Reader, tab: Tab, pictures: tuple[bytes, ...], n_slices: int, repeat: int
) -> Conversation:
    """Ask all steps of the reader's prompt about the pictures; what it costs goes on the tab.

    Later steps see the earlier questions and our own rendering of the checked answers, never
    the model's raw text. A failure ends the conversation.
    """
    answers: dict[str, Any] = {}
    exchanges: list[Exchange] = []
    turns: tuple[Turn, ...] = ()
    for step in reader.prompt.steps:
        if step.only_if_present and answers.get("haemorrhage") is not Presence.YES:
            continue
        question = first_turn(reader, step, n_slices)
        turns = (*turns, replace(question, images=pictures if not turns else ()))
        answer, exchange = _ask(reader, tab, step, make_ask(reader, step, turns), repeat)
        if exchange is not None:
            exchanges.append(exchange)
        if isinstance(answer, Reason):
            return Conversation(answers, tuple(exchanges), answer)
        answers.update((name, getattr(answer, name)) for name in type(answer).model_fields)
        turns = (*turns, Turn("assistant", answer.model_dump_json()))
    return Conversation(answers, tuple(exchanges))


def first_turn(reader: Reader, step: Step, n_slices: int) -> Turn:
    """The question of a step, with the schema spelled out for servers that do not enforce it."""
    schema = json.dumps(json_schema(step.answer), separators=(",", ":"))
    text = step.text(reader.prompt.images, n_slices)
    return Turn("user", f"{text}\n\nJSON schema of the answer:\n{schema}")


def make_ask(reader: Reader, step: Step, turns: tuple[Turn, ...]) -> Ask:
    """The request of a step, before sampling options."""
    return Ask(
        model=reader.model,
        system=reader.prompt.system.strip(),
        turns=turns,
        schema=json_schema(step.answer),
        max_output_tokens=reader.settings.max_output_tokens,
        timeout_s=reader.settings.timeout_s,
    )


def _ask(
    reader: Reader, tab: Tab, step: Step, ask: Ask, repeat: int
) -> tuple[Answer | Reason, Exchange | None]:
    """The checked answer to one request, from the cache or from the server."""
    ask = reader.sampling.apply(ask, repeat)
    key = cache_key(reader.endpoint.base_url, ask, repeat)
    stored = reader.cache.get(key) if reader.cache else None
    if stored is not None:
        return _checked(reader, step, stored, seconds=0.0, attempts=0, cached=True)
    try:
        with reader.budget.reserved(ask):
            delivered = deliver(
                _sender(reader, ask),
                reader.patience,
                reader.gate,
                failed=lambda err: tab.book_failed(err.usage),
            )
            tab.book(ask, delivered.reply)
    except BudgetSpentError:
        return Reason("budget_spent", "the next request could go over the budget"), None
    except ProviderError as err:
        if reader.sampling.drop(err.option) and reader.sampling.apply(ask, repeat) != ask:
            return _ask(reader, tab, step, ask, repeat)
        return Reason(err.fault.value, err.detail), None
    except Exception as err:  # noqa: BLE001 - the scan's other conversations are paid for
        return Reason("unexpected", type(err).__name__), None
    if reader.cache:
        reader.cache.put(key, delivered.reply)
    return _checked(
        reader,
        step,
        delivered.reply,
        seconds=delivered.seconds,
        attempts=delivered.attempts,
        cached=False,
    )


def _sender(reader: Reader, ask: Ask) -> Send:
    """Sends the request, if the most that one try can cost still fits beside what was booked."""

    def send(seconds: float) -> Reply:
        reader.budget.check()
        return reader.provider.send(replace(ask, timeout_s=seconds))

    return send


def _checked(
    reader: Reader, step: Step, reply: Reply, *, seconds: float, attempts: int, cached: bool
) -> tuple[Answer | Reason, Exchange]:
    answer: Answer | Reason
    if reply.finish is Finish.REFUSED:
        answer = Reason("refusal", "the provider's filter or the model declined")
    elif reply.finish is Finish.TRUNCATED:
        answer = Reason("truncated", "the answer ran into the token limit")
    else:
        answer = parse(reply.text, step.answer, accept_prose=reader.settings.accept_prose)
    exchange = Exchange(
        step=step.answer,
        text=_writable(reply.text),
        model=_writable(reply.model or "") or None,
        tokens_in=reply.tokens_in,
        tokens_out=reply.tokens_out,
        seconds=round(seconds, 3),
        attempts=attempts,
        cached=cached,
        problem=answer.code if isinstance(answer, Reason) else "",
    )
    return answer, exchange


def _writable(text: str) -> str:
    """Without halves of characters: JSON can name them, but no report could be written."""
    return text.encode("utf-8", "replace").decode("utf-8")
