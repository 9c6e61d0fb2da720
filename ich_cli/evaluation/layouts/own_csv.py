"""A site's own CSV: an id column, ``any`` and the subtypes as 0/1, optionally mL, side, region.

The id column is one of ``sop_uid``, ``slice_id``, ``series_uid``, ``study_uid``,
``patient_id``, ``id``; a ``file`` column names a slice by the file's stem. Millilitres are
``ml`` (or ``total_ml``) and ``edh_ml`` … ``sdh_ml``. Empty cells are unknown. A table with
one row a bleed (``subtype`` and ``ml``; ``none`` or empty for a normal scan) is read too.
Rows that are alike count once in the first kind of table; in the second they are two bleeds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from ich_cli.domain import LABELS, SUBTYPES
from ich_cli.errors import UsageError
from ich_cli.evaluation.label_table import read_rows
from ich_cli.evaluation.labels import (
    LabelSet,
    Truth,
    complete,
    merge,
    parse_flag,
    parse_number,
    parse_side,
)

SLICE_IDS = ("sop_uid", "sop_instance_uid", "sopinstanceuid", "slice_id", "slice_uid")
SCAN_IDS = (
    *("series_uid", "seriesinstanceuid", "study_uid", "studyinstanceuid"),
    *("patient_id", "patient", "id"),
)
NORMAL_WORDS = frozenset({"", "none", "normal", "no"})


def matches(path: Path) -> bool:
    """Anything that is a file."""
    return path.is_file()


def read(path: Path) -> LabelSet:
    """Read the table.

    Raises:
        UsageError: No id column, no label column, or an impossible cell.
    """
    header, rows = read_rows(path)
    names = {name.strip().lower(): name for name in header}
    id_column, of_slices = _id_column(names, path)
    labels = {label: names[label.lower()] for label in LABELS if label.lower() in names}
    if not labels and "subtype" not in names:
        raise UsageError(
            f"{path} has no label column; name them any, {', '.join(s.value for s in SUBTYPES)}"
        )
    truths = []
    for number, row in rows:
        where = f"{path}, line {number}"
        identity = row[id_column].strip()
        if not identity:
            raise UsageError(f"{where}: the {id_column} cell is empty")
        if id_column.lower() == "file":
            identity = PurePosixPath(identity.replace("\\", "/")).stem
        present = _by_bleed(row, names, where) if not labels else _by_column(row, labels, where)
        truths.append(
            Truth(
                id=identity,
                present=complete(present),
                ml=_millilitres(row, names, where),
                side=parse_side(row.get(names.get("side", "")), f"{where}, column side"),
                region=_word(row, names, "region") or _word(row, names, "location"),
            )
        )
    notes: tuple[str, ...] = ()
    if labels:
        truths = _distinct(truths)
        notes = _several_rows(truths)
    merged = merge(truths)
    if of_slices:
        return LabelSet("own_csv", slices=merged, notes=notes)
    return LabelSet("own_csv", scans=merged, notes=notes)


def _distinct(truths: Sequence[Truth]) -> list[Truth]:
    """Each truth once: a row that stands in the table twice is no second bleed."""
    kept: list[Truth] = []
    seen: dict[str, list[Truth]] = {}
    for truth in truths:
        same = seen.setdefault(truth.id, [])
        if truth not in same:
            same.append(truth)
            kept.append(truth)
    return kept


def _several_rows(truths: Sequence[Truth]) -> tuple[str, ...]:
    """What a reader must know where rows of one id differ."""
    repeated = sum(count > 1 for count in Counter(truth.id for truth in truths).values())
    if not repeated:
        return ()
    return (
        f"Ids with several rows that differ: {repeated}; they were put together: present where any "
        "row says so, mL added up.",
    )


def _id_column(names: Mapping[str, str], path: Path) -> tuple[str, bool]:
    for of_slices, known in ((True, SLICE_IDS), (True, ("file",)), (False, SCAN_IDS)):
        for name in known:
            if name in names:
                return names[name], of_slices
    raise UsageError(
        f"{path} has no id column; name it study_uid, series_uid, patient_id or sop_uid"
    )


def _by_column(
    row: Mapping[str, str], labels: Mapping[str, str], where: str
) -> dict[str, bool | None]:
    return {
        label: parse_flag(row[column], f"{where}, column {column}")
        for label, column in labels.items()
    }


def _by_bleed(
    row: Mapping[str, str], names: Mapping[str, str], where: str
) -> dict[str, bool | None]:
    word = row[names["subtype"]].strip()
    if word.lower() in NORMAL_WORDS:
        return dict.fromkeys(LABELS, False)
    if word.upper() not in LABELS[1:]:
        raise UsageError(f"{where}: unknown subtype {word!r}; one of {', '.join(LABELS[1:])}")
    return {label: label in ("any", word.upper()) for label in LABELS}


def _millilitres(
    row: Mapping[str, str], names: Mapping[str, str], where: str
) -> dict[str, float | None]:
    ml: dict[str, float | None] = {}
    for subtype in SUBTYPES:
        column = names.get(f"{subtype.value.lower()}_ml")
        if column is not None:
            ml[subtype.value] = parse_number(row[column], f"{where}, column {column}")
    total = next((names[n] for n in ("total_ml", "ml", "volume_ml") if n in names), None)
    if total is not None:
        ml["total"] = parse_number(row[total], f"{where}, column {total}")
        kind = row.get(names.get("subtype", ""), "").strip().upper()
        if kind in LABELS[1:]:
            ml[kind] = ml["total"]
    elif ml and all(value is not None for value in ml.values()):
        ml["total"] = sum(value for value in ml.values() if value is not None)
    return ml


def _word(row: Mapping[str, str], names: Mapping[str, str], column: str) -> str | None:
    word = " ".join(row.get(names.get(column, ""), "").split()).lower()
    return None if word in ("", "none", "unknown") else word
