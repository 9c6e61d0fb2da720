"""Text becomes an answer or a reason, and never anything else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ich_cli.domain import Reason, Subtype
from ich_cli.mllm.answer import Answer, ScanAnswer
from ich_cli.mllm.parse import parse
from tests.mllm.conftest import NO, YES, say


def code(text: str, schema: str = "scan", *, accept_prose: bool = False) -> str:
    result = parse(text, schema, accept_prose=accept_prose)
    return result.code if isinstance(result, Reason) else "answer"


def test_plain_json_is_read() -> None:
    answer = parse(say(subtypes=["IPH", "IVH"], volume_ml=None), "scan")
    assert isinstance(answer, ScanAnswer)
    assert answer.subtypes == [Subtype.IPH, Subtype.IVH]
    assert answer.volume_ml is None


def test_whole_number_is_a_volume() -> None:
    assert code(say(volume_ml=12)) == "answer"


@pytest.mark.parametrize(
    "fence", ["```json\n{}\n```", "```\n{}\n```", "```JSON\n{}\n```", "  \n{}\n\n"]
)
def test_lone_code_block_counts_as_its_content(fence: str) -> None:
    assert code(fence.replace("{}", say())) == "answer"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"haemorrhage": "yes", "haemorrhage": "no"}', "ambiguous"),
        ('{"haemorrhage": NaN}', "not_json"),
        ('{"haemorrhage": "\\ud83d"}', "not_json"),
        ('{"haemorrhage": "yes",', "truncated"),
        ("null", "not_json"),
        ('"yes"', "wrong_shape"),
        ("{" * 5000, "truncated"),
        ('{"haemorrhage": "YES"}', "wrong_enum"),
        ('{"haemorrhage": true}', "wrong_enum"),
        ('{"haemorrhage": "' + "y" * 50 + '"}', "thoughts_in_field"),
        ('{"haemorrhage": "yes\\nbecause"}', "thoughts_in_field"),
    ],
)
def test_odd_presence(text: str, expected: str) -> None:
    assert code(text, "presence") == expected


class TestAcceptedProse:
    def test_one_object_is_taken(self) -> None:
        assert code(f"Here: {say()} Done.", accept_prose=True) == "answer"

    def test_same_object_twice_is_one(self) -> None:
        assert code(f"{say()} again {say()}", accept_prose=True) == "answer"

    def test_two_different_ones_are_ambiguous(self) -> None:
        assert code(f"{say()} or {json.dumps(NO)}", accept_prose=True) == "ambiguous"

    def test_object_within_thoughts_does_not_count(self) -> None:
        text = f"<think>maybe {json.dumps(NO)}</think>\n{say()}"
        answer = parse(text, "scan", accept_prose=True)
        assert isinstance(answer, ScanAnswer)
        assert answer.haemorrhage.value == "yes"

    def test_fields_are_as_strict_as_ever(self) -> None:
        assert code(f"Here: {say(side='port')}", accept_prose=True) == "wrong_enum"


def test_reason_never_repeats_what_the_model_wrote() -> None:
    secret = "John Doe 1970-01-01 says hello"
    for text in (secret, say(side=secret), say(**{secret: 1}), f"{secret} {say()}"):
        result = parse(text, "scan")
        assert isinstance(result, Reason)
        assert secret not in str(result)


@given(st.text(max_size=300))
def test_any_text_gives_an_answer_or_a_reason(text: str) -> None:
    assert isinstance(parse(text, "scan"), (Answer, Reason))
    assert isinstance(parse(text, "scan", accept_prose=True), (Answer, Reason))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*YES, "tier", "status"]), json_values))
def test_any_json_in_known_fields_gives_an_answer_or_a_reason(value: dict[str, object]) -> None:
    result = parse(json.dumps(YES | value), "scan")
    if isinstance(result, ScanAnswer):
        assert set(result.model_dump()) == set(YES)
