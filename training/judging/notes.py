"""What a person saw in a slice: one sentence each, kept whatever the weights are."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd

Notes = dict[tuple[str, str], str]
"""By source and name of the slice; empty where nobody has looked yet."""


def read(path: Path) -> Notes:
    """All notes of the file, or none where there is no file."""
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as lines:
        return {(row["source"], row["name"]): row["seen"] for row in csv.DictReader(lines)}


def write(path: Path, notes: Notes, cases: pd.DataFrame) -> None:
    """All notes there were, and an empty line for each new slice, in the order of their keys."""
    new = dict.fromkeys(zip(cases.source, cases.name, strict=True), "")
    with path.open("w", newline="", encoding="utf-8") as lines:
        out = csv.writer(lines, lineterminator="\n")
        out.writerow(["source", "name", "seen"])
        out.writerows([*key, seen] for key, seen in sorted({**new, **notes}.items()))
