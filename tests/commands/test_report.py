"""``ich report`` from the command line, and what a run itself writes with ``--html``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ich_cli.cli import build_app
from ich_cli.notice import NOTICE
from ich_cli.reports import FORMATS
from tests.reports.html_example import ATTACK, write_run


def _run(*args: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(build_app("report"), ["report", *map(str, args)])
    return result.exit_code, result.stdout, result.stderr


def test_one_file_with_everything_inside(tmp_path: Path) -> None:
    write_run(tmp_path, 6)
    code, out, err = _run(tmp_path)
    assert code == 0, err
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "7 scans, 6 with pictures" in out
    assert NOTICE in page
    assert ATTACK not in page
    assert "http" not in page.replace("http-equiv", "")
    assert page.count('id="img-') == 6
    assert not (tmp_path / "report_images").exists()


def test_split_puts_the_pictures_beside(tmp_path: Path) -> None:
    write_run(tmp_path, 3)
    target = tmp_path / "elsewhere.html"
    code, out, _ = _run(tmp_path, "--split", "--to", target)
    assert code == 0
    assert 'id="img-' not in target.read_text(encoding="utf-8")
    parts = sorted((tmp_path / "elsewhere_images").iterdir())
    assert len(parts) == 3
    assert parts[0].read_text().startswith(f'ichImages("{parts[0].stem}",')
    assert "keep this folder" in out


def test_without_pictures_run_file_and_evaluation(tmp_path: Path) -> None:
    rows = write_run(tmp_path, 3, images=False)
    for name in ("run.json", "evaluation.json"):
        (tmp_path / name).unlink()
    code, out, err = _run(tmp_path / "results.json")
    assert code == 0, err
    assert "0 with pictures" in out
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<tr data-name=") == len(rows)
    assert 'id="evaluation"' not in page


def test_no_scan_at_all(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("[]")
    code, out, _ = _run(tmp_path)
    assert code == 0
    assert "0 scans" in out
    assert "No scan in these results" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_run_writes_the_same_page(tmp_path: Path) -> None:
    rows = write_run(tmp_path, 3)
    _run(tmp_path)
    by_command = (tmp_path / "report.html").read_bytes()
    FORMATS["html"].writer()(rows, tmp_path / FORMATS["html"].filename)
    assert (tmp_path / "report.html").read_bytes() == by_command


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [("results.json", "{", "not valid JSON"), ("other.txt", "", "holds no results.json")],
)
def test_what_is_no_run_is_one_line(tmp_path: Path, name: str, content: str, told: str) -> None:
    (tmp_path / name).write_text(content)
    code, _, err = _run(tmp_path)
    assert code == 2
    assert told in err
    assert len(err.strip().splitlines()) == 1


def test_an_evaluation_that_was_asked_for_must_be_one(tmp_path: Path) -> None:
    write_run(tmp_path, 3, images=False)
    (tmp_path / "x.json").write_text(json.dumps({"tables": 3}))
    code, _, err = _run(tmp_path, "--evaluation", tmp_path / "x.json")
    assert code == 2
    assert "is not an evaluation" in err
