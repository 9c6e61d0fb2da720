"""The page of one scan: everything the record says, as lines and tables of words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ich_cli.domain import LABELS, LARGE_ML
from ich_cli.reports import html_words as say
from ich_cli.reports.html_rows import Row
from ich_cli.reports.html_zchart import probability_chart

MEASUREMENT_WORDS: Mapping[str, str] = {
    "volume_ge_30ml": f"at least {LARGE_ML:.0f} mL",
    "ivh": "blood in the ventricles",
    "midline_shift_mm": "midline shift",
    "max_thickness_mm_edh": "greatest thickness, EDH",
    "max_thickness_mm_sdh": "greatest thickness, SDH",
    "sah_thickness": "SAH, thick or thin",
    "ivh_ventricles": "ventricles with blood",
    "abc2_ml": "ABC/2 of the IPH",
}
"""What the page calls the measurements whose names are no plain words."""

Record = Mapping[str, Any]
Lines = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FindingLine:
    """One subtype: probability, call, volume, place."""

    subtype: str
    prob: str
    prob_value: float
    call: bool
    ml: str
    ml_reason: str
    side: str
    regions: str
    key_slice: str
    key_index: int | None
    n_lesions: str


@dataclass(frozen=True, slots=True)
class ComparedLine:
    """One question: what the network says and what the second reader says."""

    question: str
    network: str
    reader: str
    differs: bool


@dataclass(frozen=True, slots=True)
class ScanPage:
    """Everything shown of one scan. ``probs_json`` is ``[[any, EDH, …], …]`` by slice."""

    row: Row
    sentence: str
    reason: str
    findings: tuple[FindingLine, ...]
    any_call: str
    total_ml: str
    ml_reason: str
    measurements: tuple[tuple[str, str, str], ...]
    reader: str
    tier: str
    reader_reason: str
    compared: tuple[ComparedLine, ...]
    flags: tuple[str, ...]
    provenance: Lines
    chart: str
    probs_json: str
    key_index: int | None
    has_images: bool


def scan_page(row: Row, record: Record, *, has_images: bool) -> ScanPage:
    """Make the page of one record."""
    opinion = record.get("second_reader") or {}
    reason = record.get("reason") or {}
    slices = record.get("slices") or ()
    probs = [[one["probs"].get(label) for label in LABELS] for one in slices]
    detail = reason.get("detail")
    return ScanPage(
        row=row,
        sentence=record.get("sentence") or "",
        reason=say.words(reason.get("code")) + (f": {detail}" if detail else "") if reason else "",
        findings=tuple(_finding(f) for f in record.get("findings") or ()),
        any_call=say.number((record.get("calls") or {}).get("any")),
        total_ml=say.millilitres(record.get("total_ml")),
        ml_reason=record.get("ml_reason") or "",
        measurements=_measurements(record),
        reader=opinion.get("reader") or "",
        tier=opinion.get("tier") or "",
        reader_reason=opinion.get("reason") or "",
        compared=_compared(record, opinion) if opinion else (),
        flags=tuple(_flags(record)),
        provenance=_provenance(record),
        chart=probability_chart(probs, record.get("key_slice")) if probs else "",
        probs_json=json.dumps(probs, separators=(",", ":")),
        key_index=record.get("key_slice"),
        has_images=has_images,
    )


def _finding(finding: Mapping[str, Any]) -> FindingLine:
    lesions = finding.get("lesions") or ()
    return FindingLine(
        subtype=finding["subtype"],
        prob=say.probability(finding.get("prob")),
        prob_value=finding.get("prob") or 0.0,
        call=bool(finding.get("call")),
        ml=say.millilitres(finding.get("ml")),
        ml_reason=finding.get("ml_reason") or "",
        side=finding.get("side") or say.UNKNOWN,
        regions=say.regions(finding.get("regions") or {}) or say.UNKNOWN,
        key_slice=say.slice_number(finding.get("key_slice")),
        key_index=finding.get("key_slice"),
        n_lesions=str(len(lesions)) if lesions else say.UNKNOWN,
    )


def _measurements(record: Record) -> tuple[tuple[str, str, str], ...]:
    """(name, value with unit, where and how) of each measurement."""
    lines = []
    for name, one in (record.get("measurements") or {}).items():
        value = say.number(one.get("value"))
        unit = f" {one['unit']}" if one.get("unit") and one.get("value") is not None else ""
        index = one.get("slice_index")
        where = "" if index is None else f"slice {say.slice_number(index)}"
        notes = [where, one.get("method") or "", one.get("reason") or ""]
        title = MEASUREMENT_WORDS.get(name) or say.words(name)
        lines.append((title, value + unit, "; ".join(n for n in notes if n)))
    return tuple(lines)


def _compared(record: Record, opinion: Mapping[str, Any]) -> tuple[ComparedLine, ...]:
    calls, differs = record.get("calls") or {}, set(opinion.get("differs") or ())
    ours = [label for label in LABELS[1:] if calls.get(label)]
    theirs = opinion.get("subtypes")
    ml = opinion.get("ml")
    lines = (
        ("haemorrhage", "any", say.number(calls.get("any")), say.number(opinion.get("any"))),
        (
            "subtypes",
            "subtypes",
            ", ".join(ours) or "none",
            say.UNKNOWN if theirs is None else ", ".join(theirs) or "none",
        ),
        ("side", "side", record.get("side") or say.UNKNOWN, opinion.get("side") or say.UNKNOWN),
        (
            "location",
            "location",
            say.words(record.get("location")),
            say.words(opinion.get("location")),
        ),
        (
            "volume, mL",
            "ml",
            say.millilitres(record.get("total_ml")),
            say.UNKNOWN if ml is None else f"{ml:.1f}",
        ),
    )
    return tuple(
        ComparedLine(question, network, reader, key in differs)
        for question, key, network, reader in lines
    )


def _flags(record: Record) -> Iterator[str]:
    details = record.get("flag_details") or {}
    for flag in record.get("flags") or ():
        yield ": ".join(filter(None, (say.words(flag), details.get(flag))))


def _provenance(record: Record) -> Lines:
    acquisition = record.get("acquisition") or {}
    model, files = record.get("model") or {}, record.get("files") or {}
    skipped = files.get("skipped") or {}
    timings: Mapping[str, Any] = record.get("timings_s") or {}
    lines: Sequence[tuple[str, str]] = (
        ("Patient", record.get("patient_id") or say.UNKNOWN),
        ("Study date", say.date(record.get("study_date"))),
        ("Acquired", say.moment(record.get("acquisition_datetime"))),
        ("Series", record.get("series_description") or say.UNKNOWN),
        ("Study UID", record["study_uid"]),
        ("Series UID", record["series_uid"]),
        ("Key image UID", record.get("key_sop_uid") or say.UNKNOWN),
        ("Slices", say.number(acquisition.get("n_slices"))),
        ("Slice thickness, mm", say.number(acquisition.get("slice_thickness_mm"))),
        ("Spacing z × y × x, mm", say.spacing(acquisition.get("spacing_mm"))),
        ("Tilt, degrees", say.number(acquisition.get("tilt_deg"))),
        ("Tube voltage, kVp", say.number(acquisition.get("kvp"), 0)),
        ("Kernel", acquisition.get("kernel") or say.UNKNOWN),
        ("Manufacturer", acquisition.get("manufacturer") or say.UNKNOWN),
        ("Files used", say.number(files.get("used"))),
        (
            "Files skipped",
            ", ".join(f"{say.words(k)} {v}" for k, v in skipped.items()) or "none",
        ),
        ("Model", model.get("name") or say.UNKNOWN),
        ("Model sha256", model.get("sha256") or say.UNKNOWN),
        ("Seconds", say.number(record.get("seconds"))),
        (
            "Seconds by stage",
            ", ".join(f"{say.words(k)} {say.number(v)}" for k, v in timings.items()) or say.UNKNOWN,
        ),
        ("ich version", record.get("ich_version") or say.UNKNOWN),
    )
    return tuple(lines)
