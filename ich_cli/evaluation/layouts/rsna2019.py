"""RSNA 2019 brain haemorrhage challenge: ``stage_2_train.csv``.

Rows ``ID_<slice>_<kind>,Label`` (six a slice); the slice's SOPInstanceUID in the DICOM
files is ``ID_<slice>``. A few rows are there twice, with the same label.
"""

from __future__ import annotations

from pathlib import Path

from ich_cli.errors import UsageError
from ich_cli.evaluation.label_table import read_header, read_rows
from ich_cli.evaluation.labels import LabelSet, Truth, complete, parse_flag

KINDS = {
    "any": "any",
    "epidural": "EDH",
    "intraparenchymal": "IPH",
    "intraventricular": "IVH",
    "subarachnoid": "SAH",
    "subdural": "SDH",
}


def matches(path: Path) -> bool:
    """A CSV whose header is ``ID,Label``."""
    return [name.lower() for name in read_header(path)] == ["id", "label"]


def read(path: Path) -> LabelSet:
    """Labels by slice.

    Raises:
        UsageError: An id without one of the six endings, a label other than 0 and 1, or two
            labels for one thing.
    """
    _, rows = read_rows(path)
    slices: dict[str, dict[str, bool | None]] = {}
    for number, row in rows:
        where = f"{path}, line {number}"
        values = {k.strip().lower(): v for k, v in row.items()}
        slice_id, _, kind = (values.get("id") or "").strip().rpartition("_")
        if not slice_id or kind not in KINDS:
            raise UsageError(f"{where}: the ID should read ID_<slice>_<{'|'.join(KINDS)}>")
        flag, flags = parse_flag(values.get("label"), where), slices.setdefault(slice_id, {})
        if flags.setdefault(KINDS[kind], flag) is not flag:
            raise UsageError(f"{where}: {slice_id}_{kind} stood there before with another label")
    truths = {key: Truth(key, complete(present)) for key, present in slices.items()}
    return LabelSet("rsna2019", slices=truths)
