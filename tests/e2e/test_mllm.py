"""``ich scan --mllm``: the second reader changes a scan's tier, never its result."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import pydicom
import pytest

from ich_cli.config import resolve
from ich_cli.errors import ExitCode
from ich_cli.mllm.settings import MllmSettings, build_reader
from ich_cli.phantom.spec import PhantomSpec
from ich_cli.phantom.study import write_study
from ich_cli.pipeline.assemble import assemble
from ich_cli.pipeline.run import run as run_scans
from ich_cli.pipeline.second_opinion import ask as ask_reader
from tests.e2e.conftest import Command, Done, Output
from tests.mllm import servers
from tests.mllm.conftest import KEYS, NO, PROVIDERS, SMALL_PROMPT, WIRE, say
from tests.mllm.servers import Script, Scripted, Server, chat, error
from tests.quick import write_copies, write_quick_network, write_templates

# Besides the second reader: the clock, and the key by which patients are hashed.
OTHER = {
    "seconds",
    "patient_id",
    "mllm",
    "mllm_any",
    "mllm_subtypes",
    "mllm_side",
    "mllm_location",
    "mllm_ml",
}


@pytest.fixture
def serve() -> Iterator[Callable[[Script], Server]]:
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(servers.running(script))


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small study with a bleed, and a network that is done with it at once."""
    folder = tmp_path_factory.mktemp("quick")
    return write_templates(folder / "studies")[1], write_quick_network(folder / "network")


@pytest.fixture
def ask(
    ich: Command, quick: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Done, Output]]:
    """Scan a study with a bleed and ask a second reader behind a server."""
    prompt = tmp_path / "small.yaml"
    prompt.write_text(SMALL_PROMPT, "utf-8")

    def run(
        provider: str, server: Server, *more: object, scan: tuple[Path, Path] = quick
    ) -> tuple[Done, Output]:
        study, card = scan
        if provider == "compatible":
            reader = ["--mllm-url", f"{server.url}/v1", "--mllm-model", "local"]
        else:
            monkeypatch.setenv(*KEYS[provider])
            table = tmp_path / "mllm.yaml"
            base = server.url + ("/v1" if provider == "openai" else "")
            table.write_text(json.dumps({"providers": {provider: {"base_url": base}}}), "utf-8")
            reader = ["--mllm", provider, "--mllm-config", str(table)]
        out = tmp_path / "out"
        done = ich(
            *("scan", study, "--model", card, "--out", out, "--prompt", prompt),
            *(*reader, "--mllm-timeout", 5, *more),
        )
        return done, Output(out)

    return run


Ask = Callable[..., tuple[Done, Output]]


def results_of_the_network(row: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in row.items() if name not in OTHER | {"tier"}}


@pytest.mark.parametrize("provider", PROVIDERS)
class TestProviders:
    def test_opinion_is_written_beside_the_unchanged_result(
        self,
        provider: str,
        ask: Ask,
        serve: Callable[[Script], Server],
        scanned: Output,
        studies: Path,
        model: Path,
    ) -> None:
        server = serve([error(500), WIRE[provider](say(regions=[], volume_ml=None))])
        done, output = ask(provider, server, scan=(studies / "iph", model))
        assert done.code == 0, done.err
        (row,) = output.rows
        assert row["mllm"].startswith(f"{provider}/")
        assert (row["mllm_any"], row["mllm_subtypes"]) == ("1", "IPH")
        assert (row["mllm_side"], row["tier"]) == ("left", "agree")
        (alone,) = (r for r in scanned.rows if r["series_uid"] == row["series_uid"])
        assert results_of_the_network(row) == results_of_the_network(alone)
        raw = output.records[0]["second_reader"]["raw"]
        assert raw["conversations"][0]["exchanges"][0]["attempts"] == 2
        facts = output.run["second_reader"]
        assert (facts["reader"], facts["requests"]) == (row["mllm"], 1)
        assert (facts["tokens_in"], facts["tokens_out"]) == (1000, 50)
        self.nothing_but_pixels_left(server, studies / "iph", output)

    @staticmethod
    def nothing_but_pixels_left(server: Server, study: Path, output: Output) -> None:
        """No identifier, name or date of the study is in any request."""
        header = pydicom.dcmread(next(study.rglob("*.dcm")), stop_before_pixels=True)
        personal = {
            str(header.get(name, ""))
            for name in (
                "PatientName",
                "PatientID",
                "PatientBirthDate",
                "StudyDate",
                "SeriesDate",
                "StudyInstanceUID",
                "SeriesInstanceUID",
                "SOPInstanceUID",
                "FrameOfReferenceUID",
                "AccessionNumber",
                "InstitutionName",
            )
        } - {""}
        personal |= {output.rows[0]["patient_id"], str(study)}
        assert len(personal) >= 5
        for sent in server.sent:
            arrived = sent.raw.decode() + sent.path + json.dumps(dict(sent.headers))
            assert [secret for secret in personal if secret in arrived] == []
            assert len(sent.images) == 2


def test_first_time_says_what_leaves_and_to_whom(
    ask: Ask, serve: Callable[[Script], Server]
) -> None:
    server = serve([chat(say())])
    done, _ = ask("compatible", server)
    assert "leave this machine" in done.err
    assert server.url.removeprefix("http://") in done.err
    again, _ = ask("compatible", server, "--redo")
    assert "leave this machine" not in again.err
    assert len(server.sent) == 1, "the second time the answer comes from the cache"


def test_disagreement_is_a_tier_and_not_a_result(
    ask: Ask, serve: Callable[[Script], Server]
) -> None:
    done, output = ask("compatible", serve([chat(json.dumps(NO))]))
    (row,) = output.rows
    assert done.code == 0
    assert (row["tier"], row["mllm_any"], row["status"]) == ("disagree", "0", "positive")
    assert output.records[0]["second_reader"]["differs"] == ["presence"]


@pytest.mark.parametrize(("flags", "code"), [((), 0), (("--mllm-required",), 3)])
def test_unavailable_reader_fails_the_run_only_if_required(
    ask: Ask, serve: Callable[[Script], Server], flags: tuple[str, ...], code: int
) -> None:
    done, output = ask("compatible", serve([error(400)]), *flags)
    (row,) = output.rows
    assert done.code == code
    assert (row["tier"], row["mllm_any"], row["status"]) == ("unavailable", "", "positive")
    assert output.records[0]["second_reader"]["reason"].startswith("rejected: HTTP 400")


def test_dry_run_writes_the_requests_and_sends_none(
    ask: Ask, serve: Callable[[Script], Server], tmp_path: Path
) -> None:
    server = serve([chat(say())])
    done, output = ask("compatible", server, "--mllm-dry-run", tmp_path / "dry")
    assert done.code == 0
    assert "nothing is sent" in done.err
    assert server.sent == []
    assert len(list((tmp_path / "dry").rglob("request_*.json"))) == 1
    assert output.rows[0]["tier"] == "unavailable"


def test_scan_outside_the_grey_zone_is_not_asked_about(
    ask: Ask, serve: Callable[[Script], Server]
) -> None:
    server = serve([chat(say())])
    done, output = ask("compatible", server, "--only-uncertain", 0.2, 0.4)
    assert done.code == 0
    assert server.sent == []
    assert (output.rows[0]["mllm"], output.rows[0]["tier"]) == ("", "")


def test_without_mllm_nothing_is_sent(
    ich: Command,
    quick: tuple[Path, Path],
    tmp_path: Path,
    serve: Callable[[Script], Server],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = serve([chat(say())])
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
        monkeypatch.setenv(name, server.url)
    done = ich("scan", quick[0], "--model", quick[1], "--out", tmp_path / "out")
    assert done.code == 0
    assert server.sent == []


def test_missing_key_is_one_line_before_anything_is_read(
    ich: Command, quick: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ich_cli.mllm.keys._from_keyring", lambda _: None)
    out = tmp_path / "out"
    done = ich("scan", quick[0], "--model", quick[1], "--out", out, "--mllm", "claude")
    assert done.code == 2
    assert "set ANTHROPIC_API_KEY" in done.err
    assert not (out / "results.csv").exists()


@pytest.mark.slow
def test_two_hundred_scans_with_a_flaky_server_lose_no_row(
    tmp_path: Path, serve: Callable[[Script], Server]
) -> None:
    replies = (
        chat(json.dumps(NO)),
        error(429, headers={"retry-after": "0.002"}),
        chat("I would rather not say."),
        Scripted(drop=True),
        chat(say()),
        error(400),
        error(503),
        Scripted(b"<html>", content_type="text/html"),
    )
    server = serve(lambda _, number: replies[number % 11 % len(replies)])
    prompt = tmp_path / "small.yaml"
    prompt.write_text(SMALL_PROMPT, "utf-8")
    reader = build_reader(
        MllmSettings(
            url=f"{server.url}/v1",
            model="local",
            prompt=str(prompt),
            backoff_s=0.001,
            use_cache=False,
        )
    )
    specs = (PhantomSpec(seed=n, matrix=64, spacing_mm=(10.0,)) for n in range(2))
    templates = [write_study(spec, tmp_path / "one").folder / "axial" for spec in specs]
    write_copies(templates, tmp_path / "many", 200)
    card = write_quick_network(tmp_path / "network")
    flags = {"model": str(card), "out": tmp_path / "out", "threads": 1}
    parts = assemble((tmp_path / "many",), resolve(flags, environ={}), command=("ich",))
    request = replace(parts.request, second_reader=partial(ask_reader, reader))
    options = replace(parts.options, reader_required=True)
    outcome = run_scans(request, parts.network, options)
    output = Output(tmp_path / "out")
    assert outcome.exit_code == ExitCode.INCOMPLETE, "some opinions were required and not had"
    assert len(output.rows) == len({row["series_uid"] for row in output.rows}) == 200
    assert {row["status"] for row in output.rows} <= {"positive", "negative"}
    tiers = Counter(row["tier"] for row in output.rows)
    assert set(tiers) == {"agree", "disagree", "unavailable"}
    for record in output.records:
        opinion = record["second_reader"]
        assert (opinion["reason"] is None) is (opinion["tier"] != "unavailable")
    assert len(server.sent) > 200
