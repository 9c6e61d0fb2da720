"""CQ500: ``reads.csv``, three radiologists a scan; a finding counts when two of them saw it.

Columns ``name`` (``CQ500-CT-0``) and ``R1:ICH``, ``R1:IPH`` … ``R3:SAH``, and
``R1:BleedLocation-Left`` / ``-Right``. Chilamkurthy 2018, Lancet 392:2388.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ich_cli.domain import SUBTYPES
from ich_cli.errors import UsageError
from ich_cli.evaluation.label_table import read_header, read_rows
from ich_cli.evaluation.labels import LabelSet, Truth, complete, parse_flag

READERS = ("R1", "R2", "R3")
COLUMNS = {"any": "ICH", "EDH": "EDH", "IPH": "IPH", "IVH": "IVH", "SAH": "SAH", "SDH": "SDH"}


def matches(path: Path) -> bool:
    """A CSV with a column ``R1:ICH``."""
    return "R1:ICH" in read_header(path)


def read(path: Path) -> LabelSet:
    """Majority label of each scan, by its name.

    Raises:
        UsageError: A column of a reader is missing, or a cell is neither 0 nor 1.
    """
    header, rows = read_rows(path)
    needed = [f"{reader}:{column}" for reader in READERS for column in COLUMNS.values()]
    missing = sorted({"name", *needed} - set(header))
    if missing:
        raise UsageError(f"{path} lacks the column {missing[0]}; give CQ500's own reads.csv")
    scans = {}
    for number, row in rows:
        where = f"{path}, line {number}"
        name = row["name"].strip()
        present = {label: _majority(row, column, where) for label, column in COLUMNS.items()}
        if any(present[s.value] for s in SUBTYPES):
            present["any"] = True  # who saw a kind saw blood, whatever the column ICH says
        scans[name] = Truth(name, complete(present), side=_side(row, where))
    return LabelSet("cq500", scans=scans)


def _majority(row: Mapping[str, str], column: str, where: str) -> bool | None:
    votes = [parse_flag(row.get(f"{r}:{column}"), f"{where}, {r}:{column}") for r in READERS]
    if votes.count(True) >= 2:
        return True
    return False if votes.count(False) >= 2 else None


def _side(row: Mapping[str, str], where: str) -> str | None:
    left = _majority(row, "BleedLocation-Left", where)
    right = _majority(row, "BleedLocation-Right", where)
    if left and right:
        return "bilateral"
    return "left" if left else "right" if right else None
