"""``ich scan`` as cron runs it: silent unless there is news."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ich_cli.cli import build_app
from ich_cli.errors import ExitCode
from ich_cli.pipeline.lock import hold
from tests.quick import write_copies, write_quick_network, write_templates


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_quick_network(tmp_path_factory.mktemp("network"))


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_templates(tmp_path_factory.mktemp("templates"))


def cron(inputs: Path, card: Path, *more: object) -> Any:
    out = inputs.parent / "out"
    arguments = ["scan", inputs, "--out", out, "--model", card, "--cron", "--threads", 1, *more]
    return CliRunner().invoke(build_app("scan"), list(map(str, arguments)))


def test_one_line_when_there_is_news_and_none_when_not(
    tmp_path: Path, card: Path, templates: list[Path]
) -> None:
    inputs = tmp_path / "in"
    write_copies(templates, inputs, 2)
    first = cron(inputs, card)
    assert first.exit_code == ExitCode.OK
    assert first.output == f"ich: 2 new; now 1 negative, 1 positive in {tmp_path / 'out'}\n"
    again = cron(inputs, card)
    assert (again.exit_code, again.output) == (ExitCode.OK, "")


def test_the_line_says_that_thresholds_were_not_fitted(
    tmp_path: Path, templates: list[Path]
) -> None:
    card = write_quick_network(tmp_path / "network", thresholds={})
    write_copies(templates, tmp_path / "in", 1)
    (line,) = cron(tmp_path / "in", card).output.splitlines()
    assert line.startswith("ich: 1 new; now 1 negative (at default thresholds, not fitted) in ")


def test_an_empty_folder_is_no_news(tmp_path: Path, card: Path) -> None:
    (tmp_path / "in").mkdir()
    ended = cron(tmp_path / "in", card)
    assert (ended.exit_code, ended.output) == (ExitCode.NOTHING_TO_DO, "")


def test_a_run_that_is_still_at_work_refuses_the_next(
    tmp_path: Path, card: Path, templates: list[Path]
) -> None:
    write_copies(templates, tmp_path / "in", 1)
    with hold(tmp_path / "out"):
        ended = cron(tmp_path / "in", card)
    assert ended.exit_code == ExitCode.LOCKED
    assert ended.output.count("\n") == 1


def test_a_limited_run_is_gone_on_with_by_the_next(
    tmp_path: Path, card: Path, templates: list[Path]
) -> None:
    write_copies(templates, tmp_path / "in", 3)
    outputs = [cron(tmp_path / "in", card, "--max-studies", 1).output for _ in range(4)]
    assert ["1 new" in output for output in outputs] == [True, True, True, False]
    assert "2 negative, 1 positive" in outputs[2]
    assert outputs[3] == ""


def test_studies_before_since_are_left_alone(
    tmp_path: Path, card: Path, templates: list[Path]
) -> None:
    write_copies(templates, tmp_path / "in", 1)
    ended = cron(tmp_path / "in", card, "--since", "2020-01-01")
    assert (ended.exit_code, ended.output) == (ExitCode.NOTHING_TO_DO, "")
    assert cron(tmp_path / "in", card, "--since", "1999-12-31").output.startswith("ich: 1 new")
