"""truth.csv: what is in each phantom study, one row a bleed, one for a normal head."""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ich_cli.errors import OutputError

NAME = "truth.csv"


@dataclass(frozen=True, slots=True)
class TruthRow:
    """One bleed of one study. For a normal head the words are empty and ``ml`` is 0.

    ``ml`` is counted on the label volume of the series; ``left_ml`` and ``right_ml`` are
    its parts on either side of the midline.
    """

    study: str
    study_uid: str
    series_uid: str
    subtype: str
    side: str
    region: str
    ml: float
    left_ml: float
    right_ml: float
    n_slices: int
    spacing_z_mm: float
    tilt_deg: float
    compression: str
    seed: int


COLUMNS: tuple[str, ...] = tuple(f.name for f in fields(TruthRow))


def write_truth(rows: list[TruthRow], folder: Path) -> Path:
    """Write or extend the table; rows of a study that was written again are replaced.

    Raises:
        OutputError: The file cannot be written.
    """
    path = folder / NAME
    new = {row.study for row in rows}
    table: list[dict[str, object]] = []
    try:
        if path.exists():
            with path.open(newline="", encoding="utf-8") as old:
                table += [dict(r) for r in csv.DictReader(old) if r.get("study") not in new]
        table += [asdict(row) for row in rows]
        part = path.with_suffix(".csv.part")
        with part.open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, COLUMNS, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(table)
        part.replace(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(f"cannot write {path}: {reason}; choose another folder") from error
    return path
