"""The run page says what run.json says."""

from __future__ import annotations

import json
from pathlib import Path

from ich_cli.reports.html_run import run_lines


def test_lines_with_counts_by_status(tmp_path: Path) -> None:
    run = {
        "ich_version": "0.1.0",
        "exit_code": 3,
        "stopped": None,
        "counts": {"scans": 3, "status": {"positive": 1, "not_analysable": 2}, "reason": {}},
        "settings": {"out": {"value": "x", "source": "flag"}},
        "command": ["ich", "scan"],
    }
    (tmp_path / "run.json").write_text(json.dumps(run))
    assert run_lines(tmp_path / "run.json") == (
        ("ich version", "0.1.0"),
        ("Exit code", "3"),
        ("Counts", "scans 3, status (positive 1, not analysable 2)"),
    )


def test_a_threshold_is_not_rounded_away(tmp_path: Path) -> None:
    run = {"model": {"scan_thresholds": {"any": 0.1635}}, "timings_s": {"infer": 18.24}}
    (tmp_path / "run.json").write_text(json.dumps(run))
    assert run_lines(tmp_path / "run.json") == (
        ("Model", "scan thresholds (any 0.164)"),
        ("Seconds by stage", "infer 18.2"),
    )


def test_no_run_no_lines(tmp_path: Path) -> None:
    assert run_lines(tmp_path / "run.json") == ()
    (tmp_path / "run.json").write_text("[")
    assert run_lines(tmp_path / "run.json") == ()
