"""What ran, in lines, from ``run.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ich_cli.reports.html_words import UNKNOWN, number, words

KEPT: tuple[tuple[str, str], ...] = (
    ("ich version", "ich_version"),
    ("Started", "started"),
    ("Ended", "ended"),
    ("Exit code", "exit_code"),
    ("Stopped early", "stopped"),
)

NAMES = {"timings_s": "Seconds by stage"}
"""What the page calls the parts of a run whose names are no plain words."""


def run_lines(path: Path) -> tuple[tuple[str, str], ...]:
    """Name and value of what a reader asks first; empty where there is no ``run.json``."""
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    if not isinstance(run, dict):
        return ()
    lines = [(name, number(run[key])) for name, key in KEPT if run.get(key) is not None]
    for name, value in run.items():
        if isinstance(value, Mapping) and value and name not in ("settings", "versions"):
            lines.append((NAMES.get(name) or words(name).capitalize(), _joined(value)))
    versions = run.get("versions")
    if isinstance(versions, Mapping):
        lines.append(("Versions", _joined(versions)))
    return tuple(lines)


def _joined(values: Mapping[str, Any]) -> str:
    """``seen 650, used 648, skipped (not dicom 2)``; lists and unknown values are left out."""
    parts = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            if value:
                parts.append(f"{words(key)} ({_joined(value)})")
        elif value is not None and not isinstance(value, list):
            small = isinstance(value, float) and abs(value) < 1
            parts.append(f"{words(key)} {number(value, 3 if small else 1)}")
    return ", ".join(parts) or UNKNOWN
