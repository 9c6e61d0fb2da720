"""The chain of questions, slice by slice."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ich_cli.domain import Side, Subtype
from ich_cli.mllm.second_reader import read
from tests.mllm.conftest import PROVIDERS, WIRE, MakeReader
from tests.mllm.scans import assessment, head, prediction
from tests.mllm.servers import Scripted, Sent, chat

ANSWERS: dict[str, Any] = {
    "level": {"level": "lateral_ventricles"},
    "haemorrhage": {"haemorrhage": "yes"},
    "subtypes": {"subtypes": ["IPH", "IVH"]},
    "regions": {"side": "left", "regions": ["deep_grey", "ventricles"]},
    "volume_ml": {"volume_ml": 22},
}
CHAIN = {"prompt": "zero_shot_chain", "max_slices": 2}


def asked_field(sent: Sent) -> str:
    """The field that the last question of a request asks for."""
    text = sent.raw.decode()
    return max(
        ANSWERS, key=lambda field: text.rfind(f'{field}\\\\\\":') + text.rfind(f'\\"{field}\\":')
    )


def chain(provider: str = "compatible", **changes: Any) -> Any:
    said = ANSWERS | changes

    def answer(sent: Sent, _: int) -> Scripted:
        return WIRE[provider](json.dumps(said[asked_field(sent)]))

    return answer


@pytest.mark.parametrize("provider", PROVIDERS)
def test_five_questions_a_slice_with_one_picture(provider: str, make_reader: MakeReader) -> None:
    reader, server = make_reader(provider, chain(provider), **CHAIN)
    opinion = read(head(), prediction(), assessment(Subtype.IPH, Subtype.IVH), reader)
    assert opinion.tier == "agree", opinion.reason
    assert opinion.subtypes == (Subtype.IPH, Subtype.IVH)
    assert (opinion.side, opinion.ml) == (Side.LEFT, 22.0)
    assert len(server.sent) == 2 * 5
    assert all(len(sent.images) == 1 for sent in server.sent)


def test_no_blood_ends_the_chain(make_reader: MakeReader) -> None:
    reader, server = make_reader("compatible", chain(haemorrhage={"haemorrhage": "no"}), **CHAIN)
    opinion = read(head(), prediction(), assessment(), reader)
    assert (opinion.tier, opinion.any) == ("agree", False)
    assert len(server.sent) == 2 * 2


def test_later_questions_see_our_rendering_of_earlier_answers(make_reader: MakeReader) -> None:
    spaced = '{\n   "level"   :   "vertex"\n}'

    def answer(sent: Sent, _: int) -> Scripted:
        field = asked_field(sent)
        return chat(spaced if field == "level" else json.dumps(ANSWERS[field]))

    reader, server = make_reader("compatible", answer, **(CHAIN | {"max_slices": 1}))
    read(head(), prediction(), assessment(), reader)
    messages = server.sent[1].body["messages"]
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "user"]
    assert messages[2]["content"] == '{"level":"vertex"}'


def test_slice_that_cannot_be_read_keeps_the_scan_from_being_negative(
    make_reader: MakeReader,
) -> None:
    broken: list[bytes] = []

    def answer(sent: Sent, _: int) -> Scripted:
        if not broken:
            broken.extend(sent.images)
        if sent.images[0] == broken[0]:
            return chat("I'm sorry")
        field = asked_field(sent)
        return chat(json.dumps({"haemorrhage": "no"} if field == "haemorrhage" else ANSWERS[field]))

    reader, _ = make_reader("compatible", answer, **(CHAIN | {"concurrency": 1}))
    opinion = read(head(), prediction(), assessment(), reader)
    assert (opinion.tier, opinion.any) == ("unavailable", None)
    assert opinion.reason.startswith("refusal")


def test_budget_ends_the_questions_and_says_so(make_reader: MakeReader) -> None:
    reader, server = make_reader("compatible", [chat("{}")], budget_tokens=10)
    opinion = read(head(), prediction(), assessment(), reader)
    assert opinion.reason.startswith("budget_spent")
    assert server.sent == []


def test_known_price_makes_a_cost(make_reader: MakeReader) -> None:
    reader, _ = make_reader(
        "gemini",
        [WIRE["gemini"](json.dumps({"x": 1}))],
        model="priced",
        prices={"priced": {"input": 2.0, "output": 8.0}},
        budget_usd=1.0,
    )
    opinion = read(head(), prediction(), assessment(), reader)
    assert opinion.raw["cost_usd"] == pytest.approx(1000 * 2e-6 + 50 * 8e-6)
    assert opinion.raw["cost_note"] == ""
