"""Series and records made by hand, for tests that need no pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ich_cli.domain import FileRef, Instance, Series
from ich_cli.pipeline.content_key import ContentKey, content_key, recipe_of

RECIPE = recipe_of("ab" * 32, {"threshold": 0.5})


def make_series(
    folder: Path, study: str = "1.2", series: str = "1.2.3", slices: int = 4, part: int = 0
) -> Series:
    """A series whose files are there, a few bytes each."""
    folder.mkdir(parents=True, exist_ok=True)
    instances = []
    for index in range(slices):
        path = folder / f"{series}-{part}-{index}.dcm"
        if not path.exists():
            path.write_bytes(b"x" * (100 + index))
        instances.append(Instance(FileRef(path), f"{series}.{part}.{index}", study, series))
    return Series(study, series, part, tuple(instances))


def make_key(
    folder: Path, study: str = "1.2", series: str = "1.2.3", slices: int = 4, part: int = 0
) -> ContentKey:
    return content_key(make_series(folder, study, series, slices, part), RECIPE)


def make_keys(folder: Path, count: int) -> list[ContentKey]:
    return [make_key(folder, f"1.{n}", f"1.{n}.1") for n in range(count)]


def make_record(key: ContentKey, status: str = "negative", **more: Any) -> dict[str, Any]:
    """A record as complete as the reports need it."""
    judged = status in ("positive", "negative", "indeterminate")
    reason = None if judged else {"code": "cannot_decode", "detail": "made up"}
    labels = ("any", "EDH", "IPH", "IVH", "SAH", "SDH")
    return {
        "schema_version": "1.0",
        "status": status,
        "reason": reason,
        "study_uid": key.study_uid,
        "series_uid": key.series_uid,
        "series_part": key.part,
        "patient_id": "0123456789abcdef",
        "study_date": "20260102",
        "series_description": "HEAD",
        "acquisition": {
            "n_slices": 4,
            "slice_thickness_mm": 5.0,
            "spacing_mm": [5.0, 0.5, 0.5],
            "tilt_deg": 0.0,
            "kvp": 120.0,
            "kernel": None,
            "manufacturer": "ACME",
            "rows": 512,
            "columns": 512,
        },
        "probs": dict.fromkeys(labels, 0.25) if judged else None,
        "calls": dict.fromkeys(labels, status == "positive") if judged else None,
        "total_ml": None,
        "side": None,
        "location": None,
        "key_slice": None,
        "key_sop_uid": None,
        "findings": [],
        "measurements": {},
        "slices": [
            {"index": n, "sop_uid": f"{key.series_uid}.{key.part}.{n}"} for n in range(4 * judged)
        ],
        "second_reader": None,
        "model": {"name": "tiny", "sha256": "ab" * 32},
        "flags": [],
        "seconds": 0.5,
        "ich_version": "0",
        **more,
    }


def identities(rows: Sequence[dict[str, Any]]) -> list[tuple[str, str, int]]:
    return sorted((r["study_uid"], r["series_uid"], r["series_part"]) for r in rows)
