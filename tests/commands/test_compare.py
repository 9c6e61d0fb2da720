"""``ich compare`` from the command line."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from ich_cli.cli import build_app
from tests.evaluation.simulated import simulate, write_labels, write_results


def _run(*args: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(build_app("compare"), ["compare", *map(str, args)])
    return result.exit_code, result.stdout, result.stderr


def test_two_networks_in_markdown(tmp_path: Path) -> None:
    for name, separation in (("a", 4.0), ("b", 2.0)):
        (tmp_path / name).mkdir()
        write_results(simulate(12, separation=separation), tmp_path / name / "results.json")
    labels = write_labels(simulate(12), tmp_path / "labels.csv")
    code, out, err = _run(
        tmp_path / "a", tmp_path / "b", "--labels", labels, "--draws", 100, "--format", "markdown"
    )
    assert code == 0, err
    for title in ("### Presence", "### Subtype", "### Location", "### Agreement and tests"):
        assert title in out
    code, out, _ = _run(
        *(tmp_path / "a", tmp_path / "b", "--labels", labels, "--draws", 100),
        *("--format", "latex", "--out", tmp_path / "table.tex"),
    )
    assert (code, out) == (0, "")
    assert r"\toprule" in (tmp_path / "table.tex").read_text()


def test_a_wrong_level_is_one_line(tmp_path: Path) -> None:
    results = write_results(simulate(3), tmp_path / "results.json")
    labels = write_labels(simulate(3), tmp_path / "labels.csv")
    code, _, err = _run(results, "--labels", labels, "--level", "voxel")
    assert code == 2
    assert "choose scan or slice" in err
