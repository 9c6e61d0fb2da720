"""``results.csv``: one row a scan, the columns in their agreed order."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ich_cli.domain import LABELS
from ich_cli.reports.atomic import atomic_text
from ich_cli.spreadsheet import plain_text

_NAMES = tuple(label.lower() for label in LABELS)

COLUMNS: tuple[str, ...] = (
    *("schema_version", "status", "reason", "study_uid", "series_uid", "patient_id"),
    *("study_date", "series_description", "n_slices", "slice_thickness_mm", "spacing_z_mm"),
    *("tilt_deg", "kvp"),
    *(f"{name}_prob" for name in _NAMES),
    *(f"{name}_call" for name in _NAMES),
    *("total_ml", *(f"{name}_ml" for name in _NAMES[1:])),
    *("side", "location", "key_slice", "key_sop_uid"),
    *("abc2_ml", "midline_shift_mm", "infratentorial", "volume_ge_30ml"),
    *("mllm", "mllm_any", "mllm_subtypes", "mllm_side", "mllm_location", "mllm_ml", "tier"),
    *("model", "model_sha256", "flags", "seconds", "ich_version"),
    "acquisition_datetime",
)

_MEASUREMENTS = ("abc2_ml", "midline_shift_mm", "infratentorial", "volume_ge_30ml")
_COPIED = (
    *("schema_version", "status", "study_uid", "series_uid", "patient_id", "study_date"),
    *("series_description", "side", "location", "key_slice", "key_sop_uid", "seconds"),
    "ich_version",
)


def write_csv(records: Iterable[Mapping[str, Any]], path: Path) -> None:
    """Write all records as CSV, atomically.

    Args:
        records: Objects as :func:`ich_cli.reports.record.to_record` makes them.
        path: The file to replace.

    Raises:
        OutputError: The file cannot be written.
    """
    with atomic_text(path) as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for record in records:
            writer.writerow(to_row(record))


def to_row(record: Mapping[str, Any]) -> dict[str, str]:
    """The cells of one record; unknown is an empty cell, calls are 1 and 0."""
    values: dict[str, Any] = {name: record[name] for name in _COPIED}
    values["reason"] = (record["reason"] or {}).get("code")
    values |= _acquisition(record["acquisition"])
    for label, name in zip(LABELS, _NAMES, strict=True):
        values[f"{name}_prob"] = (record["probs"] or {}).get(label)
        values[f"{name}_call"] = (record["calls"] or {}).get(label)
    values["total_ml"] = (record["total_ml"] or {}).get("value")
    for finding in record["findings"]:
        values[f"{finding['subtype'].lower()}_ml"] = (finding["ml"] or {}).get("value")
    for name in _MEASUREMENTS:
        values[name] = record["measurements"].get(name, {}).get("value")
    values |= _second_reader(record["second_reader"] or {})
    values["acquisition_datetime"] = record.get("acquisition_datetime")
    values["model"] = record["model"]["name"]
    values["model_sha256"] = record["model"]["sha256"]
    values["flags"] = ";".join(record["flags"])
    return {column: cell(values.get(column)) for column in COLUMNS}


def cell(value: Any) -> str:
    """A value as CSV text: numbers as they are, words such that no spreadsheet runs them."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (int, float)):
        return f"{value:.10g}" if isinstance(value, float) else str(value)
    return plain_text(str(value))


def _acquisition(facts: Mapping[str, Any]) -> dict[str, Any]:
    spacing = facts["spacing_mm"]
    return {
        "n_slices": facts["n_slices"],
        "slice_thickness_mm": facts["slice_thickness_mm"],
        "spacing_z_mm": None if spacing is None else spacing[0],
        "tilt_deg": facts["tilt_deg"],
        "kvp": facts["kvp"],
    }


def _second_reader(opinion: Mapping[str, Any]) -> dict[str, Any]:
    subtypes = opinion.get("subtypes")
    return {
        "mllm": opinion.get("reader"),
        "mllm_any": opinion.get("any"),
        "mllm_subtypes": None if subtypes is None else ";".join(subtypes),
        "mllm_side": opinion.get("side"),
        "mllm_location": opinion.get("location"),
        "mllm_ml": opinion.get("ml"),
        "tier": opinion.get("tier"),
    }
