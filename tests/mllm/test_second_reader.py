"""The second reader gives an opinion, always: what could not be had is not available."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from ich_cli.domain import Side, Subtype
from ich_cli.mllm.second_reader import read, wanted
from tests.mllm.conftest import IPH, NO, Ask, MakeReader, say
from tests.mllm.scans import assessment, head, prediction
from tests.mllm.servers import Scripted, chat


class TestAnswer:
    def test_same_word_agrees(self, ask: Ask) -> None:
        opinion, _ = ask([chat(say())])
        assert (opinion.tier, opinion.differs, opinion.reason) == ("agree", (), "")
        assert (opinion.any, opinion.subtypes, opinion.side) == (True, (Subtype.IPH,), Side.LEFT)
        assert (opinion.location, opinion.ml) == ("deep_grey", 20.0)
        assert opinion.reader == "compatible/local-model"

    def test_other_word_disagrees_and_says_where(self, ask: Ask) -> None:
        opinion, _ = ask([chat(say(side="right", subtypes=["SDH"]))])
        assert (opinion.tier, opinion.differs) == ("disagree", ("subtypes", "side"))

    def test_no_against_yes_disagrees_on_presence(self, ask: Ask) -> None:
        opinion, _ = ask([chat(json.dumps(NO))])
        assert (opinion.tier, opinion.any, opinion.differs) == ("disagree", False, ("presence",))
        assert opinion.ml is None

    def test_two_noes_agree(self, ask: Ask) -> None:
        opinion, _ = ask([chat(json.dumps(NO))], ours=assessment())
        assert (opinion.tier, opinion.any) == ("agree", False)

    def test_raw_answer_tokens_and_latency_are_kept(self, ask: Ask) -> None:
        opinion, _ = ask([chat(say())])
        raw = json.loads(json.dumps(opinion.raw))
        exchange = raw["conversations"][0]["exchanges"][0]
        assert exchange["text"] == say()
        assert (raw["tokens_in"], raw["tokens_out"], raw["cost_usd"]) == (1000, 50, None)
        assert raw["cost_note"] == "no price is known for this model"
        assert raw["seconds"] >= exchange["seconds"] > 0
        assert raw["prompt"]["id"] == "small"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("I'm sorry, but I can't interpret medical images.", "refusal"),
        (say()[:30], "truncated"),
        ("There is a bleed on the left.", "not_json"),
        (f"Sure! Here it is:\n{say()}\nHope this helps.", "prose_around_json"),
        (f"<think>bright spot, so</think>{say()}", "thoughts_in_answer"),
        (say(haemorrhage="probably"), "wrong_enum"),
        (say(subtypes=["contusion"]), "wrong_enum"),
        (say(side="First I look at the left side, then I notice that"), "thoughts_in_field"),
        (say(reasoning="it is bright"), "unexpected_field"),
        (json.dumps({"haemorrhage": "yes"}), "missing_field"),
        (say(volume_ml="20"), "wrong_type"),
        (say(volume_ml=-3), "out_of_range"),
        (say(haemorrhage="no"), "inconsistent"),
        (say(haemorrhage="cannot_tell"), "cannot_tell"),
        ("[]", "wrong_shape"),
        ("x" * 30_000, "too_long"),
    ],
)
def test_unusable_text_is_unavailable_with_its_reason(text: str, code: str, ask: Ask) -> None:
    opinion, server = ask([chat(text)])
    assert opinion.tier == "unavailable"
    assert opinion.reason.split(":")[0] == code
    assert (opinion.any, opinion.subtypes, opinion.side, opinion.ml) == (None, (), None, None)
    assert len(server.sent) == 1, "a bad answer is not paid for twice"


def test_prose_can_be_accepted_on_demand(ask: Ask) -> None:
    text = f"<think>hm</think> The answer is {say()} as asked."
    opinion, _ = ask([chat(text)], accept_prose=True)
    assert opinion.tier == "agree"


class TestRepeat:
    def test_majority_decides(self, ask: Ask) -> None:
        said = [say(), json.dumps(NO), say()]
        opinion, server = ask([chat(t) for t in said], repeat=3, concurrency=1)
        assert (opinion.any, opinion.tier) == (True, "agree")
        assert [sent.body["seed"] for sent in server.sent] == [7, 8, 9]
        assert {sent.body["temperature"] for sent in server.sent} == {0.7}

    def test_failures_do_not_make_a_majority(self, ask: Ask) -> None:
        said = [say(), "I cannot do that", "nor that"]
        opinion, _ = ask([chat(t) for t in said], repeat=3)
        assert opinion.reason.startswith("no_majority")


class TestOnlyUncertain:
    @pytest.mark.parametrize(
        ("prob", "asked"), [(0.05, False), (0.2, True), (0.5, True), (0.8, True), (0.81, False)]
    )
    def test_grey_zone_is_closed(self, prob: float, asked: bool, make_reader: MakeReader) -> None:
        reader, _ = make_reader("compatible", [], only_uncertain=(0.2, 0.8))
        assert wanted(assessment(any_prob=prob), reader) is asked

    def test_without_limits_every_scan_is_asked_about(self, make_reader: MakeReader) -> None:
        reader, _ = make_reader("compatible", [])
        assert wanted(assessment(any_prob=0.001), reader)


def test_volume_without_a_head_is_not_sent(make_reader: MakeReader) -> None:
    from dataclasses import replace

    volume = replace(head(), hu=np.full((12, 64, 64), -1000.0, np.float32))
    reader, server = make_reader("compatible", [chat(say())])
    opinion = read(volume, prediction(), IPH, reader)
    assert opinion.reason.startswith("no_head")
    assert server.sent == []


def test_error_of_our_own_is_an_opinion_too(make_reader: MakeReader) -> None:
    reader, _ = make_reader("compatible", [chat(say())])
    opinion = read(head(n=12), prediction(n=3), IPH, reader)
    assert opinion.tier == "unavailable"
    assert opinion.reason.startswith("unexpected: IndexError")


@pytest.fixture
def heeds_ctrl_c() -> Iterator[None]:
    """A shell's background jobs ignore Ctrl-C, and so would tests that one runs."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_ctrl_c")
def test_ctrl_c_does_not_wait_for_the_server(make_reader: MakeReader) -> None:
    reader, _ = make_reader("compatible", [Scripted({}, delay_s=20)], timeout_s=30)
    started = time.monotonic()
    interrupt = threading.Timer(1.0, os.kill, [os.getpid(), signal.SIGINT])
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        read(head(), prediction(), IPH, reader)
    assert time.monotonic() - started < 10
