"""PhysioNet CT-ICH (Hssayeni 2020): ``hemorrhage_diagnosis*.csv``, one row a slice.

A slice is ``<patient>:<slice>`` (``049:12``; slices count from 1 as in the NIfTI files
``049.nii``), which is how a NIfTI volume's slices are named when it is read here.
"""

from __future__ import annotations

from pathlib import Path

from ich_cli.errors import UsageError
from ich_cli.evaluation.label_table import read_header, read_rows
from ich_cli.evaluation.labels import (
    LabelSet,
    Truth,
    complete,
    merge,
    parse_flag,
)

COLUMNS = {
    "EDH": "Epidural",
    "IPH": "Intraparenchymal",
    "IVH": "Intraventricular",
    "SAH": "Subarachnoid",
    "SDH": "Subdural",
}


def matches(path: Path) -> bool:
    """A CSV with ``PatientNumber`` and ``SliceNumber``."""
    return {"PatientNumber", "SliceNumber"} <= set(read_header(path))


def read(path: Path) -> LabelSet:
    """Labels by slice, and by patient (blood on any slice).

    Raises:
        UsageError: A column is missing, a number is none, or a label is neither 0 nor 1.
    """
    header, rows = read_rows(path)
    names = {name.strip(): name for name in header}
    missing = [c for c in ("PatientNumber", "SliceNumber", *COLUMNS.values()) if c not in names]
    if missing:
        raise UsageError(f"{path} lacks the column {missing[0]}; give the data set's own CSV")
    slices, scans = {}, []
    for number, row in rows:
        where = f"{path}, line {number}"
        try:
            patient = f"{int(row[names['PatientNumber']]):03d}"
            index = int(row[names["SliceNumber"]])
        except ValueError:
            raise UsageError(f"{where}: PatientNumber and SliceNumber must be whole") from None
        present = complete(
            {
                label: parse_flag(row[names[column]], f"{where}, {column}")
                for label, column in COLUMNS.items()
            }
        )
        slices[f"{patient}:{index}"] = Truth(f"{patient}:{index}", present)
        scans.append(Truth(patient, present))
    return LabelSet("physionet", scans=merge(scans), slices=slices)
