"""The JSON Schema (2020-12) of what ``ich`` writes; ``ich schema`` prints it."""

from __future__ import annotations

import json
from typing import Any

from ich_cli.domain import LABELS, SUBTYPES, Side, Status
from ich_cli.errors import UsageError
from ich_cli.notice import NOTICE
from ich_cli.reports.record import SCHEMA_VERSION

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_TEXT: Schema = {"type": "string"}
_MAYBE_TEXT: Schema = {"type": ["string", "null"]}
_MAYBE_NUMBER: Schema = {"type": ["number", "null"]}
_MAYBE_BOOL: Schema = {"type": ["boolean", "null"]}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_MAYBE_COUNT: Schema = {"type": ["integer", "null"], "minimum": 0}
_SHARE: Schema = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
_SIDE: Schema = {"enum": [*(s.value for s in Side), None]}
_SUBTYPE: Schema = {"enum": [s.value for s in SUBTYPES]}
_COUNTS: Schema = {"type": "object", "additionalProperties": _COUNT}
_SHARES: Schema = {"type": "object", "additionalProperties": _SHARE}
_FREE: Schema = {"type": "object"}


def schema_of(which: str) -> Schema:
    """The schema of ``results`` (one record) or ``run`` (run.json).

    Raises:
        UsageError: There is no such schema.
    """
    if which == "results":
        return _results()
    if which == "run":
        return _run()
    raise UsageError(f"there is no schema {which!r}; choose results or run")


def schema_text(which: str) -> str:
    """The schema as indented JSON with a line end."""
    return json.dumps(schema_of(which), indent=2) + "\n"


def _object(properties: Schema, *, maybe: bool = False) -> Schema:
    """An object with exactly these properties."""
    return {
        "type": ["object", "null"] if maybe else "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: Schema, *, maybe: bool = False, length: int | None = None) -> Schema:
    kind = {"type": ["array", "null"] if maybe else "array", "items": items}
    return kind if length is None else {**kind, "minItems": length, "maxItems": length}


def _interval() -> Schema:
    return _object(
        {"value": _MAYBE_NUMBER, "low": _MAYBE_NUMBER, "high": _MAYBE_NUMBER}, maybe=True
    )


def _point(*, maybe: bool = False) -> Schema:
    return _list(_MAYBE_NUMBER, maybe=maybe, length=3)


def _per_label(value: Schema, *, maybe: bool = False) -> Schema:
    return _object(dict.fromkeys(LABELS, value), maybe=maybe)


def _results() -> Schema:
    lesion = _object(
        {
            "ml": _MAYBE_NUMBER,
            "side": _SIDE,
            "centroid_lps_mm": _point(),
            "bbox_lps_mm": _list(_point(), length=2),
            "key_slice": _COUNT,
            "regions": _SHARES,
        }
    )
    finding = _object(
        {
            "subtype": _SUBTYPE,
            "prob": _SHARE,
            "call": {"type": "boolean"},
            "ml": _interval(),
            "ml_reason": _MAYBE_TEXT,
            "side": _SIDE,
            "regions": _SHARES,
            "key_slice": _MAYBE_COUNT,
            "lesions": _list(lesion),
        }
    )
    record = _object(
        {
            "schema_version": {"const": SCHEMA_VERSION},
            "disclaimer": _TEXT,
            "status": {"enum": [s.value for s in Status]},
            "reason": _object({"code": _TEXT, "detail": _MAYBE_TEXT}, maybe=True),
            "study_uid": _TEXT,
            "series_uid": _TEXT,
            "series_part": _COUNT,
            "patient_id": _MAYBE_TEXT,
            "study_date": _MAYBE_TEXT,
            "acquisition_datetime": _MAYBE_TEXT,
            "series_description": _MAYBE_TEXT,
            "acquisition": _acquisition(),
            "probs": _per_label(_SHARE, maybe=True),
            "calls": _per_label(_MAYBE_BOOL, maybe=True),
            "total_ml": _interval(),
            "ml_reason": _MAYBE_TEXT,
            "side": _SIDE,
            "location": _MAYBE_TEXT,
            "sentence": _MAYBE_TEXT,
            "key_slice": _MAYBE_COUNT,
            "key_sop_uid": _MAYBE_TEXT,
            "findings": _list(finding),
            "measurements": {"type": "object", "additionalProperties": _measurement()},
            "slices": _list(_slice()),
            "second_reader": _second_reader(),
            "model": _object({"name": _MAYBE_TEXT, "sha256": _MAYBE_TEXT}),
            "flags": _list(_TEXT),
            "flag_details": {"type": "object", "additionalProperties": _TEXT},
            "files": _object({"used": _COUNT, "skipped": _COUNTS}),
            "selection": _FREE,
            "timings_s": {"type": "object", "additionalProperties": _MAYBE_NUMBER},
            "artefacts": {"type": "object", "additionalProperties": _TEXT},
            "seconds": _MAYBE_NUMBER,
            "ich_version": _TEXT,
        }
    )
    # Only there where the scan was not judged, in place of what ``slices`` would name.
    record["properties"]["unread_sop_uids"] = _list(_TEXT)
    # Added by the ledger; not there in a record that has not been through it.
    record["properties"]["content_key"] = _object({"digest": _TEXT, "recipe": _TEXT})
    title = f"One head CT series as ich reports it. {NOTICE}"
    return {"$schema": DIALECT, "title": title, **record, "allOf": [_judged_or_reason()]}


def _judged_or_reason() -> Schema:
    """A scan that was not judged has a reason and no probabilities, and the other way round."""
    unread = {"enum": [Status.NOT_ANALYSABLE.value, Status.FAILED.value]}
    return {
        "if": {"properties": {"status": unread}},
        "then": {"properties": {"reason": {"type": "object"}, "probs": {"type": "null"}}},
        "else": {"properties": {"probs": {"type": "object"}, "calls": {"type": "object"}}},
    }


def _acquisition() -> Schema:
    return _object(
        {
            "n_slices": _COUNT,
            "slice_thickness_mm": _MAYBE_NUMBER,
            "spacing_mm": _point(maybe=True),
            "tilt_deg": _MAYBE_NUMBER,
            "kvp": _MAYBE_NUMBER,
            "kernel": _MAYBE_TEXT,
            "manufacturer": _MAYBE_TEXT,
            "rows": _MAYBE_COUNT,
            "columns": _MAYBE_COUNT,
        }
    )


def _measurement() -> Schema:
    return _object(
        {
            "value": {},
            "unit": _MAYBE_TEXT,
            "slice_index": _MAYBE_COUNT,
            "method": _MAYBE_TEXT,
            "reason": _MAYBE_TEXT,
        }
    )


def _slice() -> Schema:
    return _object(
        {
            "index": _COUNT,
            "sop_uid": _TEXT,
            "position_mm": _point(maybe=True),
            "probs": _per_label(_SHARE),
        }
    )


def _second_reader() -> Schema:
    return _object(
        {
            "reader": _TEXT,
            "tier": {"enum": ["agree", "disagree", "unavailable"]},
            "any": _MAYBE_BOOL,
            "subtypes": _list(_SUBTYPE, maybe=True),
            "side": _SIDE,
            "location": _MAYBE_TEXT,
            "ml": _MAYBE_NUMBER,
            "reason": _MAYBE_TEXT,
            "differs": _list(_TEXT),
            "raw": _FREE,
        },
        maybe=True,
    )


def _run() -> Schema:
    run = _object(
        {
            "schema_version": {"const": SCHEMA_VERSION},
            "disclaimer": _TEXT,
            "ich_version": _TEXT,
            "command": _list(_TEXT),
            "started": _TEXT,
            "ended": _TEXT,
            "exit_code": {"type": "integer", "minimum": 0, "maximum": 6},
            "stopped": _MAYBE_TEXT,
            "versions": {"type": "object", "additionalProperties": _MAYBE_TEXT},
            "host": _object(
                {"name": _TEXT, "platform": _TEXT, "machine": _TEXT, "cpus": _MAYBE_COUNT}
            ),
            "device": _object({"asked": _TEXT, "used": _TEXT}),
            "model": _FREE,
            "second_reader": {"type": ["object", "null"]},
            "settings": _FREE,
            "counts": _object(
                {
                    **dict.fromkeys(("scans", "new", "known"), _COUNT),
                    **dict.fromkeys(("status", "reason"), _COUNTS),
                }
            ),
            "files": _object({"seen": _COUNT, "used": _COUNT, "skipped": _COUNTS}),
            "series": _object({"found": _COUNT, "candidates": _COUNT, "rejected": _COUNTS}),
            "timings_s": {"type": "object", "additionalProperties": _MAYBE_NUMBER},
            "wall_s": {"type": "number", "minimum": 0},
            "peak_rss_mb": _MAYBE_NUMBER,
        }
    )
    return {"$schema": DIALECT, "title": "One run of ich scan.", **run}
