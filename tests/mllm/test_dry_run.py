"""The dry run writes what would be sent, exactly, and sends nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ich_cli.mllm.second_reader import read
from tests.mllm.conftest import KEYS, PROVIDERS, WIRE, MakeReader, say
from tests.mllm.scans import UIDS, assessment, head, prediction


@pytest.mark.parametrize("provider", PROVIDERS)
def test_written_request_is_the_one_that_would_be_sent(
    provider: str, make_reader: MakeReader, tmp_path: Path
) -> None:
    folder = tmp_path / "dry"
    scan, said = (head(), prediction(), assessment()), [WIRE[provider](say())]
    wet, server = make_reader(provider, said)
    read(*scan, wet)
    dry, silent = make_reader(provider, said, dry_run=folder)
    opinion = read(*scan, dry)
    assert (opinion.tier, opinion.any) == ("unavailable", None)
    assert opinion.reason.startswith("dry_run: 1 requests")
    assert silent.sent == []
    (path,) = folder.rglob("request_*.json")
    written = json.loads(path.read_text("utf-8"))
    assert written["body"] == server.sent[0].body
    assert written["url"].endswith(server.sent[0].path)


@pytest.mark.parametrize("provider", KEYS)
def test_no_key_and_no_identifier_is_written(
    provider: str, make_reader: MakeReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_CUSTOM_HEADERS", "ANTHROPIC_CUSTOM_HEADERS"):
        monkeypatch.setenv(name, "X-Gateway: log-in-of-another")
    reader, _ = make_reader(provider, [], dry_run=tmp_path / "dry")
    read(head(), prediction(), assessment(), reader)
    files = [path for path in (tmp_path / "dry").rglob("*") if path.is_file()]
    everything = b"".join(path.read_bytes() for path in files).decode("latin-1")
    names = " ".join(str(path) for path in files)
    for secret in (KEYS[provider][1], "log-in-of-another", *UIDS):
        assert secret not in everything + names
    assert '"***"' in everything


def test_pictures_lie_beside_the_request(make_reader: MakeReader, tmp_path: Path) -> None:
    from PIL import Image

    reader, _ = make_reader("gemini", [], dry_run=tmp_path / "dry")
    read(head(), prediction(), assessment(), reader)
    pictures = sorted((tmp_path / "dry").rglob("*.png"))
    assert len(pictures) == 2
    assert all(Image.open(path).format == "PNG" for path in pictures)


def test_chain_writes_the_first_question_of_each_slice(
    make_reader: MakeReader, tmp_path: Path
) -> None:
    reader, _ = make_reader(
        "claude", [], dry_run=tmp_path / "dry", prompt="zero_shot_chain", max_slices=3
    )
    read(head(), prediction(), assessment(), reader)
    assert len(list((tmp_path / "dry").rglob("request_*.json"))) == 3
