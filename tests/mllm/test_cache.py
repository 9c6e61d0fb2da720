"""Nothing is paid for twice, and nothing about the patient is kept."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from ich_cli.mllm.cache import AnswerCache, cache_key
from ich_cli.mllm.second_reader import read
from ich_cli.mllm.wire import Ask, Finish, Reply, Turn
from tests.mllm.conftest import MakeReader, say
from tests.mllm.scans import UIDS, assessment, head, prediction
from tests.mllm.servers import chat, error

ASK = Ask("m", "system", (Turn("user", "q", (b"png",)),), {"type": "object"}, 100, 9.0, 0.0, 7)
REPLY = Reply("{}", Finish.TRUNCATED, "served", 10, 2)


def test_answer_comes_back_as_it_was(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path / "new")
    cache.put("ab12", REPLY)
    assert cache.get("ab12") == REPLY
    assert cache.get("cd34") is None


@pytest.mark.parametrize(
    "changed",
    [
        replace(ASK, model="n"),
        replace(ASK, system="t"),
        replace(ASK, temperature=0.7),
        replace(ASK, temperature=None),
        replace(ASK, seed=8),
        replace(ASK, schema={}),
        replace(ASK, max_output_tokens=99),
        replace(ASK, turns=(Turn("user", "q", (b"gnp",)),)),
        replace(ASK, turns=(Turn("user", "r", (b"png",)),)),
    ],
)
def test_whatever_shapes_the_answer_is_in_the_key(changed: Ask) -> None:
    assert cache_key("u", changed, 0) != cache_key("u", ASK, 0)


def test_place_and_repeat_are_in_the_key_and_patience_is_not() -> None:
    key = cache_key("u", ASK, 0)
    assert len({key, cache_key("v", ASK, 0), cache_key("u", ASK, 1)}) == 3
    assert cache_key("u", replace(ASK, timeout_s=1.0), 0) == key


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_only_the_user_may_read_it(tmp_path: Path) -> None:
    AnswerCache(tmp_path / "c").put("ab12", REPLY)
    path = tmp_path / "c" / "ab" / "ab12.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "{", "[]", '{"text": "x"}', "\x00"])
def test_broken_file_is_asked_again(tmp_path: Path, content: str) -> None:
    cache = AnswerCache(tmp_path)
    cache.put("ab12", REPLY)
    (tmp_path / "ab" / "ab12.json").write_text(content, "utf-8")
    assert cache.get("ab12") is None


def test_unwritable_folder_costs_only_the_saving(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("", "utf-8")
    AnswerCache(blocker).put("ab12", REPLY)


def test_second_run_asks_nothing(make_reader: MakeReader, tmp_path: Path) -> None:
    cached = {"use_cache": True, "cache": tmp_path / "answers"}
    ours = assessment()
    first, server = make_reader("compatible", [chat(say())], **cached)
    again, _ = make_reader("compatible", [error(500)], url=f"{server.url}/v1", **cached)
    one, two = (read(head(), prediction(), ours, r) for r in (first, again))
    assert len(server.sent) == 1
    assert (one.tier, one.any, one.ml) == (two.tier, two.any, two.ml)
    assert two.raw["conversations"][0]["exchanges"][0]["cached"] is True
    assert (two.raw["tokens_in"], again.budget.spent.requests) == (0, 0)


def test_refusal_is_not_paid_for_twice_either(make_reader: MakeReader, tmp_path: Path) -> None:
    reader, server = make_reader(
        "compatible", [chat(None, refusal="no")], use_cache=True, cache=tmp_path / "answers"
    )
    reasons = {read(head(), prediction(), assessment(), reader).reason for _ in range(2)}
    assert len(server.sent) == len(reasons) == 1


def test_fault_of_the_connection_is_not_kept(make_reader: MakeReader, tmp_path: Path) -> None:
    reader, server = make_reader(
        "compatible", [error(400), chat(say())], use_cache=True, cache=tmp_path / "answers"
    )
    tiers = [read(head(), prediction(), assessment(), reader).tier for _ in range(2)]
    assert tiers == ["unavailable", "disagree"]
    assert len(server.sent) == 2


def test_files_hold_no_picture_and_no_identifier(make_reader: MakeReader, tmp_path: Path) -> None:
    folder = tmp_path / "answers"
    reader, _ = make_reader("compatible", [chat(say())], use_cache=True, cache=folder)
    read(head(), prediction(), assessment(), reader)
    (path,) = folder.rglob("*.json")
    kept = json.loads(path.read_text("utf-8"))
    assert set(kept) == {"text", "finish", "model", "tokens_in", "tokens_out"}
    assert not any(uid in path.read_text("utf-8") for uid in UIDS)
