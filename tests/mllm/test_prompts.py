"""Prompts are data: validated before use, hashed into reports."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ich_cli.errors import UsageError
from ich_cli.mllm.prompts import find_prompt, load_prompt, prompt_folder, shipped_prompts
from tests.mllm.conftest import SMALL_PROMPT


def test_two_prompts_ship() -> None:
    assert [prompt.id for prompt in shipped_prompts()] == ["scan_review", "zero_shot_chain"]


def test_file_is_named_after_its_id() -> None:
    for path in prompt_folder().glob("*.yaml"):
        assert load_prompt(path).id == path.stem


def test_chain_follows_the_paper_and_gives_no_treatment_advice() -> None:
    chain = find_prompt("zero_shot_chain")
    assert [step.answer for step in chain.steps] == [
        "level",
        "presence",
        "subtypes",
        "location",
        "volume",
    ]
    assert [(w.width, w.level) for w in chain.images.windows] == [(200, 20)]
    assert chain.unit == "slice"
    asked = " ".join(step.ask for step in chain.steps).lower()
    assert not any(word in asked for word in ("treat", "surg", "therap", "recommend"))


def test_questions_are_blind_to_the_networks_result() -> None:
    for prompt in shipped_prompts():
        text = (prompt.system + " ".join(step.ask for step in prompt.steps)).lower()
        assert not any(word in text for word in ("network", "suspic", "probab", "algorithm"))


def test_hash_is_that_of_the_file() -> None:
    path = prompt_folder() / "scan_review.yaml"
    assert find_prompt("scan_review").sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_own_prompt_by_path(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(SMALL_PROMPT, "utf-8")
    prompt = find_prompt(str(path))
    assert (prompt.id, prompt.version) == ("small", 3)
    asked = prompt.steps[0].text(prompt.images, 2)
    assert asked == "You see 2 slices in brain (W80/L40). Is there blood?"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("id: small", "id: Small One", "id"),
        ("version: 3", "version: 0", "version"),
        ("language: en", "language: english", "language"),
        ("unit: scan", "unit: study", "unit"),
        ("slices: 2", "slices: 400", "images.slices"),
        ("width: 80", "width: 0", "images.windows.0.width"),
        ("answer: scan", "answer: haiku", "unknown answer 'haiku'"),
        ("answer: scan", "answer: volume", "no step asks for 'scan' or 'presence'"),
        ("$windows", "$patient", "unknown placeholder $patient"),
        ("$windows", "$ 5", "a lone '$'"),
        ("version: 3", "version: 3\nmodel: gpt", "model"),
        ("system: You", "system: [You", "not valid YAML at line"),
    ],
)
def test_fault_is_named(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    path = tmp_path / "broken.yaml"
    assert old in SMALL_PROMPT
    path.write_text(SMALL_PROMPT.replace(old, new), "utf-8")
    with pytest.raises(UsageError) as caught:
        load_prompt(path)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"just words", b"\xff\xfe", b"- 1\n- 2", b"1: 2\n", b"[" * 5000]
)
def test_file_that_is_no_prompt(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "no.yaml"
    path.write_bytes(content)
    with pytest.raises(UsageError):
        load_prompt(path)


def test_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the prompt"):
        find_prompt(str(tmp_path / "none.yaml"))


def test_question_that_depends_on_presence_comes_after_it(tmp_path: Path) -> None:
    path = tmp_path / "order.yaml"
    steps = '  - {answer: volume, only_if_present: true, ask: "mL?"}\n  - {answer: presence'
    path.write_text(SMALL_PROMPT.replace("  - {answer: scan", steps), "utf-8")
    with pytest.raises(UsageError, match="depends on presence, which comes later"):
        load_prompt(path)
