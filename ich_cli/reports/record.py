"""One scan as the JSON object that every report is made from."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ich_cli
from ich_cli.domain import (
    LABELS,
    SUBTYPES,
    Assessment,
    Finding,
    Interval,
    Lesion,
    Measurement,
    Reason,
    ScanResult,
    SecondOpinion,
    Side,
    Subtype,
)
from ich_cli.notice import NOTICE

SCHEMA_VERSION = "1.0"

Record = dict[str, Any]

PROB_DIGITS = 5
ML_DIGITS = 3
MM_DIGITS = 3
SECONDS_DIGITS = 4


@dataclass(frozen=True, slots=True)
class RecordContext:
    """What a record needs beside the result.

    Attributes:
        pseudonym: PatientID → the name under which it may leave; ``None`` writes it as it is.
    """

    pseudonym: Callable[[str], str] | None


def to_record(result: ScanResult, context: RecordContext) -> Record:
    """Turn a result into plain JSON values; unknown is ``None``, never 0.

    Returns:
        An object that follows the schema of ``ich schema``.
    """
    header, acquired = result.series.first, result.series.acquired
    assessment = result.assessment
    key_slice = None if assessment is None else assessment.key_slice
    unread = {} if assessment else {"unread_sop_uids": _unread(result)}
    return {
        "schema_version": SCHEMA_VERSION,
        "disclaimer": NOTICE,
        "status": result.status.value,
        "reason": _reason(result.reason),
        "study_uid": result.series.study_uid,
        "series_uid": result.series.series_uid,
        "series_part": result.series.part,
        "patient_id": _patient(header.patient_id, context.pseudonym),
        "study_date": header.study_date or None,
        "acquisition_datetime": None if acquired is None else acquired.isoformat(),
        "series_description": header.series_description or None,
        "acquisition": _acquisition(result),
        "probs": _probs(assessment),
        "calls": _calls(assessment),
        "total_ml": None if assessment is None else _interval(assessment.total_ml),
        "ml_reason": (assessment.ml_reason or None) if assessment else None,
        "side": _side(assessment.side) if assessment else None,
        "location": (assessment.location or None) if assessment else None,
        "sentence": (assessment.sentence or None) if assessment else None,
        "key_slice": key_slice,
        "key_sop_uid": _sop_uid(result, key_slice),
        "findings": [_finding(f) for f in assessment.findings] if assessment else [],
        "measurements": _measurements(assessment),
        "slices": _slices(result),
        **unread,
        "second_reader": _second_reader(result.second_opinion),
        "model": {"name": result.model or None, "sha256": result.model_sha256 or None},
        "flags": sorted({*result.flags, *(assessment.flags if assessment else ())}),
        "flag_details": _flag_details(result.notes),
        "files": _files(result),
        "selection": _plain(result.selection),
        "timings_s": {k: _number(v, SECONDS_DIGITS) for k, v in result.timings_s.items()},
        "artefacts": dict(result.artefacts),
        "seconds": _number(sum(result.timings_s.values()), SECONDS_DIGITS),
        "ich_version": ich_cli.__version__,
    }


def _flag_details(notes: Sequence[Reason]) -> dict[str, str]:
    """What a flag means here, in numbers; two gaps are one flag."""
    details: dict[str, list[str]] = {}
    for note in notes:
        details.setdefault(note.code, []).append(note.detail)
    return {code: "; ".join(several) for code, several in details.items()}


def account_files(result: ScanResult) -> tuple[set[str], dict[str, str]]:
    """Every file of a result's series: the names of those used, and name → reason of the rest.

    A file that gave any frame to the volume is used; what the volume does not mention
    shares the fate of its series.
    """
    used = {str(file) for file in result.used}
    skipped = {str(s.file): s.reason.code for s in result.skipped if str(s.file) not in used}
    rest = result.reason.code if result.reason else "not_in_volume"
    for instance in result.series.instances:
        name = str(instance.file)
        if name not in used:
            skipped.setdefault(name, rest)
    return used, skipped


def _files(result: ScanResult) -> Record:
    used, skipped = account_files(result)
    return {"used": len(used), "skipped": dict(sorted(Counter(skipped.values()).items()))}


def _patient(patient_id: str | None, pseudonym: Callable[[str], str] | None) -> str | None:
    if not patient_id:
        return None
    return patient_id if pseudonym is None else pseudonym(patient_id)


def _reason(reason: Reason | None) -> Record | None:
    return None if reason is None else {"code": reason.code, "detail": reason.detail or None}


def _acquisition(result: ScanResult) -> Record:
    header = result.series.first
    spacing = result.spacing_mm
    n_slices = len(result.sop_uids) or sum(i.frames for i in result.series.instances)
    thickness = result.slice_thickness_mm
    return {
        "n_slices": n_slices,
        "slice_thickness_mm": _number(
            header.slice_thickness_mm if thickness is None else thickness, MM_DIGITS
        ),
        "spacing_mm": None if spacing is None else [_number(s, 4) for s in spacing],
        "tilt_deg": _number(result.tilt_deg, 2),
        "kvp": _number(header.kvp, 1),
        "kernel": header.kernel or None,
        "manufacturer": header.manufacturer or None,
        "rows": header.rows,
        "columns": header.columns,
    }


def _probs(assessment: Assessment | None) -> Record | None:
    if assessment is None:
        return None
    found = {f.subtype: f.prob for f in assessment.findings}
    subtypes = {s.value: _number(found.get(s), PROB_DIGITS) for s in SUBTYPES}
    return {"any": _number(assessment.any_prob, PROB_DIGITS), **subtypes}


def _calls(assessment: Assessment | None) -> Record | None:
    if assessment is None:
        return None
    found: dict[Subtype, bool] = {f.subtype: bool(f.call) for f in assessment.findings}
    return {"any": bool(assessment.any_call), **{s.value: found.get(s) for s in SUBTYPES}}


def _finding(finding: Finding) -> Record:
    return {
        "subtype": finding.subtype.value,
        "prob": _number(finding.prob, PROB_DIGITS),
        "call": bool(finding.call),
        "ml": _interval(finding.ml),
        "ml_reason": finding.ml_reason or None,
        "side": _side(finding.side),
        "regions": _shares(finding.regions),
        "key_slice": finding.key_slice,
        "lesions": [_lesion(lesion) for lesion in finding.lesions],
    }


def _lesion(lesion: Lesion) -> Record:
    return {
        "ml": _number(lesion.ml, ML_DIGITS),
        "side": _side(lesion.side),
        "centroid_lps_mm": _point(lesion.centroid_lps_mm),
        "bbox_lps_mm": [_point(corner) for corner in lesion.bbox_lps_mm],
        "key_slice": lesion.key_slice,
        "regions": _shares(lesion.regions),
    }


def _measurements(assessment: Assessment | None) -> Record:
    if assessment is None:
        return {}
    return {name: _measurement(m) for name, m in assessment.measurements.items()}


def _measurement(measurement: Measurement) -> Record:
    value = measurement.value
    if isinstance(value, float):
        value = _number(value, MM_DIGITS)
    return {
        "value": _plain(value),
        "unit": measurement.unit or None,
        "slice_index": measurement.slice_index,
        "method": measurement.method or None,
        "reason": measurement.reason or None,
    }


def _slices(result: ScanResult) -> list[Record]:
    if result.slice_probs is None:
        return []
    rows = []
    for index, (sop_uid, probs) in enumerate(zip(result.sop_uids, result.slice_probs, strict=True)):
        where = None if result.positions_mm is None else _point(result.positions_mm[index])
        rows.append(
            {
                "index": index,
                "sop_uid": sop_uid,
                "position_mm": where,
                "probs": {
                    label: _number(float(p), PROB_DIGITS)
                    for label, p in zip(LABELS, probs, strict=True)
                },
            }
        )
    return rows


def _unread(result: ScanResult) -> list[str]:
    """SOPInstanceUIDs of a series that was not judged: labels by slice must still find it."""
    return list(dict.fromkeys(one.sop_uid for one in result.series.instances))


def _second_reader(opinion: SecondOpinion | None) -> Record | None:
    if opinion is None:
        return None
    return {
        "reader": opinion.reader,
        "tier": opinion.tier,
        "any": opinion.any,
        "subtypes": None if opinion.any is None else [s.value for s in opinion.subtypes],
        "side": _side(opinion.side),
        "location": opinion.location or None,
        "ml": _number(opinion.ml, ML_DIGITS),
        "reason": opinion.reason or None,
        "differs": list(opinion.differs),
        "raw": _plain(opinion.raw),
    }


def _sop_uid(result: ScanResult, index: int | None) -> str | None:
    if index is None or not 0 <= index < len(result.sop_uids):
        return None
    return result.sop_uids[index]


def _side(side: Side | None) -> str | None:
    return None if side is None else side.value


def _interval(interval: Interval | None) -> Record | None:
    if interval is None:
        return None
    return {
        "value": _number(interval.value, ML_DIGITS),
        "low": _number(interval.low, ML_DIGITS),
        "high": _number(interval.high, ML_DIGITS),
    }


def _shares(regions: Mapping[str, float]) -> Record:
    return {name: _number(share, 4) for name, share in regions.items()}


def _point(values: Sequence[float]) -> list[float | None]:
    return [_number(float(v), MM_DIGITS) for v in values]


def _number(value: float | None, digits: int) -> float | None:
    """Rounded, or ``None`` where it is unknown or no number at all."""
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), digits)


def _plain(value: Any) -> Any:
    """Reduce anything a stage noted to JSON's own types."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return str(value)
