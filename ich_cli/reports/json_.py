"""``results.json``: an array of all records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ich_cli.reports.atomic import atomic_text
from ich_cli.reports.jsonl import to_line


def write_json(records: Iterable[Mapping[str, Any]], path: Path) -> None:
    """Write all records as one JSON array, a record a line, atomically.

    Raises:
        OutputError: The file cannot be written.
    """
    with atomic_text(path) as file:
        separator = "[\n"
        for record in records:
            file.write(separator + to_line(record))
            separator = ",\n"
        file.write("\n]\n" if separator == ",\n" else "[]\n")
