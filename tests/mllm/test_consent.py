"""What will leave is said before it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from ich_cli.mllm.consent import notice, notice_if_new
from tests.mllm.conftest import KEYS, MakeReader


def test_notice_says_what_to_whom_and_what_not(make_reader: MakeReader) -> None:
    reader, server = make_reader("gemini", [], only_uncertain=(0.1, 0.7))
    text = notice(reader)
    assert "up to 2 slices (brain W80/L40)" in text
    assert server.url.removeprefix("http://") in text
    assert reader.model in text
    assert "probability of 0.1 to 0.7" in text
    assert "names, dates, identifiers, tags, or the network's result" in text
    assert KEYS["gemini"][1] not in text


def test_notice_is_given_once_for_the_same_plan(make_reader: MakeReader) -> None:
    reader, server = make_reader("compatible", [])
    assert notice_if_new(reader) is not None
    assert notice_if_new(reader) is None
    more, _ = make_reader("compatible", [], url=f"{server.url}/v1", max_slices=9)
    assert notice_if_new(more) is not None


def test_other_host_is_told_anew(make_reader: MakeReader) -> None:
    for _ in range(2):
        reader, _ = make_reader("compatible", [])
        assert notice_if_new(reader) is not None


def test_budget_without_a_price_is_said(make_reader: MakeReader) -> None:
    reader, _ = make_reader("compatible", [], budget_usd=5)
    assert "budget of 5 USD cannot be kept" in notice(reader)


def test_dry_run_says_that_nothing_is_sent(make_reader: MakeReader, tmp_path: Path) -> None:
    reader, _ = make_reader("compatible", [], dry_run=tmp_path / "dry")
    assert notice(reader).startswith("--mllm-dry-run: nothing is sent")


def test_proxy_on_the_way_is_named(
    make_reader: MakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:S3CRET@proxy.example:3128")
    monkeypatch.delenv("https_proxy", raising=False)
    away, _ = make_reader("compatible", [], url="https://gpu.example.org/v1")
    local, _ = make_reader("compatible", [])
    assert "proxy proxy.example:3128" in notice(away)
    assert "S3CRET" not in notice(away)
    assert "proxy" not in notice(local)


def test_unencrypted_way_out_is_said(make_reader: MakeReader) -> None:
    local, _ = make_reader("compatible", [])
    away, _ = make_reader("compatible", [], url="http://gpu.example.org/v1")
    safe, _ = make_reader("compatible", [], url="https://gpu.example.org/v1")
    assert "not encrypted" in notice(away)
    assert "not encrypted" not in notice(local) + notice(safe)
