"""``ich prompts``: what the second reader is asked, before anything is sent."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner, Result

from ich_cli.cli import build_app
from ich_cli.mllm.prompts import prompt_folder


def ich(*args: str) -> Result:
    return CliRunner().invoke(build_app("prompts"), ["prompts", *args])


def test_list_names_both_shipped_prompts_with_their_hash() -> None:
    result = ich("list")
    assert result.exit_code == 0, result.output
    assert "zero_shot_chain" in result.output
    assert "scan_review" in result.output


def test_show_prints_texts_windows_and_schema() -> None:
    result = ich("show", "zero_shot_chain")
    assert result.exit_code == 0
    assert "W200/L20" in result.output
    assert "[step 1: level]" in result.output
    assert "only where haemorrhage was answered yes" in result.output
    assert '"enum": ["EDH", "IPH", "IVH", "SAH", "SDH"]' in result.output
    assert "$" not in result.output, "placeholders are filled"


def test_show_of_an_unknown_name_says_what_there_is() -> None:
    result = ich("show", "nonsense")
    assert result.exit_code == 2
    assert "no prompt 'nonsense'; there are: scan_review, zero_shot_chain" in result.output


def test_check_accepts_the_shipped_files() -> None:
    result = ich("check", *(str(path) for path in prompt_folder().glob("*.yaml")))
    assert result.exit_code == 0
    assert result.output.count("valid") == 2


def test_check_names_the_fault_in_one_line(tmp_path: Path) -> None:
    text = (prompt_folder() / "scan_review.yaml").read_text("utf-8")
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace("answer: scan", "answer: poem"), "utf-8")
    result = ich("check", str(path))
    assert result.exit_code == 2
    assert "unknown answer 'poem'" in result.output
    assert len(result.output.strip().splitlines()) == 1
