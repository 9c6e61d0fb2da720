"""Reading what a scan wrote: the one place here that knows the shape of a results record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ich_cli.domain import LABELS, SUBTYPES, file_stem
from ich_cli.errors import UsageError

TOTAL = "total"
"""Key of the whole scan's millilitres beside those by subtype."""


@dataclass(frozen=True, slots=True)
class ScoredSlice:
    """One slice: its SOPInstanceUID, its probabilities by label, where it lies (LPS, mm)."""

    sop_uid: str
    probs: Mapping[str, float | None]
    position_mm: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What one reader, network or MLLM, said of one scan.

    ``probs`` is empty for a reader that gives no probabilities; ``calls`` holds ``None``
    (or nothing) where there is no answer.
    """

    probs: Mapping[str, float | None] = field(default_factory=dict)
    calls: Mapping[str, bool | None] = field(default_factory=dict)
    ml: Mapping[str, float | None] = field(default_factory=dict)
    side: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class ScoredScan:
    """One record: identity, the network's answer, the second reader's, and the acquisition.

    ``unread`` holds the SOPInstanceUIDs of a scan that was not judged and has no ``slices``;
    ``acquired`` is when its first slice was, ``None`` where the header does not say.
    """

    study_uid: str
    series_uid: str
    part: int
    patient: str
    status: str
    reason: str | None
    answer: Answer
    slices: tuple[ScoredSlice, ...]
    reader: str | None
    tier: str | None
    opinion: Answer | None
    model: str | None
    model_sha256: str | None
    acquisition: Mapping[str, Any]
    unread: tuple[str, ...] = ()
    acquired: datetime | None = None

    @property
    def sop_uids(self) -> tuple[str, ...]:
        """SOPInstanceUIDs of all slices, also of a scan that was not judged."""
        return tuple(one.sop_uid for one in self.slices) or self.unread

    @property
    def key(self) -> tuple[str, int]:
        """Identity of the stack of slices, to pair results of two runs."""
        return self.series_uid, self.part

    @property
    def file_stem(self) -> str:
        """Name of the files that the scan wrote for this stack: masks, previews, pictures."""
        return file_stem(self.study_uid, self.series_uid, self.part)


def load_results(path: Path) -> tuple[ScoredScan, ...]:
    """Read ``results.json`` or ``results.jsonl``, or the output folder that holds one.

    Raises:
        UsageError: There is no such file, or it is not a results file.
    """
    return tuple(_scan(record, path) for record in load_records(path))


def load_records(path: Path) -> tuple[Mapping[str, Any], ...]:
    """The raw records of a results file or output folder.

    Raises:
        UsageError: There is no such file, or it is not a results file.
    """
    source = _source(path)
    try:
        text = source.read_text(encoding="utf-8")
        records = list(_lines(text)) if source.suffix == ".jsonl" else json.loads(text)
    except OSError as error:
        raise UsageError(f"cannot read {source}: {error.strerror}") from None
    except ValueError:
        raise UsageError(f"{source} is not valid JSON; give a results.json of 'ich scan'") from None
    if not isinstance(records, list) or not all(_is_record(r) for r in records):
        raise UsageError(f"{source} is not a results file; give a results.json of 'ich scan'")
    return tuple(records)


def _source(path: Path) -> Path:
    if not path.is_dir():
        return path
    for name in ("results.json", "results.jsonl"):
        if (path / name).is_file():
            return path / name
    raise UsageError(f"{path} holds no results.json; run 'ich scan' with --out {path} first")


def _lines(text: str) -> Iterator[Any]:
    """Objects of a JSON-lines text; a torn last line is left out."""
    # Not splitlines(): JSON may hold U+0085 and U+2028 as they are, which end a line for it.
    for line in text.split("\n")[:-1]:
        yield json.loads(line)


def _is_record(value: Any) -> bool:
    return isinstance(value, dict) and {"status", "study_uid", "series_uid"} <= value.keys()


def _scan(record: Mapping[str, Any], path: Path) -> ScoredScan:
    try:
        model = record.get("model") or {}
        opinion = record.get("second_reader") or {}
        acquired = record.get("acquisition_datetime")
        return ScoredScan(
            study_uid=record["study_uid"],
            series_uid=record["series_uid"],
            part=int(record.get("series_part") or 0),
            patient=record.get("patient_id") or record["study_uid"],
            status=record["status"],
            reason=(record.get("reason") or {}).get("code"),
            answer=_answer(record),
            slices=tuple(_slice(row) for row in record.get("slices", ())),
            reader=opinion.get("reader"),
            tier=opinion.get("tier"),
            opinion=_opinion(opinion) if opinion else None,
            model=model.get("name"),
            model_sha256=model.get("sha256"),
            acquisition=record.get("acquisition") or {},
            unread=tuple(record.get("unread_sop_uids") or ()),
            acquired=datetime.fromisoformat(acquired) if acquired else None,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise UsageError(f"{path}: a record is not as 'ich schema' says ({detail})") from None


def _slice(row: Mapping[str, Any]) -> ScoredSlice:
    x, y, z = row.get("position_mm") or (None, None, None)
    place = None if x is None or y is None or z is None else (float(x), float(y), float(z))
    return ScoredSlice(row["sop_uid"], dict(row["probs"]), place)


def _answer(record: Mapping[str, Any]) -> Answer:
    findings = record.get("findings") or ()
    by_subtype = {f["subtype"]: (f.get("ml") or {}).get("value") for f in findings}
    return Answer(
        probs=record.get("probs") or {},
        calls=record.get("calls") or {},
        ml={TOTAL: (record.get("total_ml") or {}).get("value"), **by_subtype},
        side=record.get("side"),
        region=main_region(findings),
    )


def main_region(findings: Any) -> str | None:
    """The region that holds most of the blood of the called findings.

    Shares of a finding are weighted with its millilitres where these are known.
    """
    weight: dict[str, float] = {}
    for finding in findings:
        if not finding.get("call"):
            continue
        ml = (finding.get("ml") or {}).get("value")
        for region, share in (finding.get("regions") or {}).items():
            weight[region] = weight.get(region, 0.0) + (share or 0.0) * (1.0 if ml is None else ml)
    return max(weight, key=lambda name: weight[name]) if weight else None


def _opinion(opinion: Mapping[str, Any]) -> Answer:
    present = opinion.get("any")
    named = opinion.get("subtypes")
    calls: dict[str, bool | None] = {"any": present}
    for subtype in SUBTYPES:
        calls[subtype.value] = None if named is None else subtype.value in named
    return Answer(
        calls={label: calls[label] for label in LABELS},
        ml={TOTAL: opinion.get("ml")},
        side=opinion.get("side"),
        region=opinion.get("location"),
    )
