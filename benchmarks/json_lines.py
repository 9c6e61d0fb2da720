"""Files that grow by one JSON object a line, and outlive a run that was killed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of earlier runs, none when there is no file; a line cut short is left out."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return [row for line in text.splitlines() if (row := _row(line)) is not None]


def append_row(path: Path, row: Mapping[str, Any]) -> None:
    """Add a row on a line of its own, also where the last line was cut short."""
    with path.open("a+b") as stream:
        whole = True
        if stream.tell():
            stream.seek(-1, os.SEEK_END)
            whole = stream.read(1) == b"\n"
        # In one go: other processes may be adding rows, too.
        stream.write((b"" if whole else b"\n") + json.dumps(row).encode() + b"\n")


def _row(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None
