"""Results with a known truth, made through the domain objects and the real record writer."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ich_cli.domain import (
    LABELS,
    SUBTYPES,
    Assessment,
    FileRef,
    Finding,
    Instance,
    Interval,
    Reason,
    ScanResult,
    SecondOpinion,
    Series,
    Side,
    Status,
    Subtype,
)
from ich_cli.reports.record import RecordContext, to_record

SIDES = (Side.LEFT, Side.RIGHT)
REGIONS = ("frontal", "parietal", "basal_ganglia")


@dataclass(frozen=True)
class SimScan:
    """One simulated scan: what is true, and what the network said."""

    study_uid: str
    series_uid: str
    patient: str
    truth: dict[str, bool]
    ml: dict[str, float]
    side: Side | None
    region: str | None
    slices: tuple[str, ...]
    slice_truth: tuple[dict[str, bool], ...]
    result: ScanResult = field(repr=False)


def simulate(n: int = 40, *, seed: int = 0, separation: float = 4.0) -> list[SimScan]:
    """Scans, a third of which bleed; logits are the truth plus noise."""
    return [_scan(k, np.random.default_rng([seed, k]), separation) for k in range(n)]


def _scan(k: int, rng: np.random.Generator, separation: float) -> SimScan:
    bleeds = k % 3 == 0
    subtype = SUBTYPES[(k // 3) % 5] if bleeds else None
    side = SIDES[k % 2] if bleeds else None
    region = REGIONS[k % 3] if bleeds else None
    ml = float(rng.uniform(1, 60)) if bleeds else 0.0
    study, series = f"1.2.3.{k}", f"1.2.3.{k}.1"
    slices = tuple(f"{series}.{z}" for z in range(6))
    slice_truth, logits = [], np.empty((6, 6))
    for z in range(6):
        here = bleeds and 2 <= z <= 4
        kinds = {label: here and label in ("any", subtype and subtype.value) for label in LABELS}
        slice_truth.append({label: bool(value) for label, value in kinds.items()})
        shift = np.array([1.0 if kinds[label] else 0.0 for label in LABELS])
        logits[z] = rng.normal(-separation / 2 + separation * shift, 1.2)
    probs = (1 / (1 + np.exp(-logits))).astype(np.float32)
    scan_probs = np.sort(probs, axis=0)[-2]
    findings = tuple(
        Finding(
            subtype=s,
            prob=float(scan_probs[i + 1]),
            call=bool(scan_probs[i + 1] >= 0.5),
            ml=_interval(ml * rng.normal(1, 0.1)) if s is subtype else _interval(0.0),
            side=side if s is subtype else None,
            regions={region: 0.8, "temporal": 0.2} if s is subtype and region else {},
            key_slice=3 if s is subtype else None,
        )
        for i, s in enumerate(SUBTYPES)
    )
    called = bool(scan_probs[0] >= 0.5)
    assessment = Assessment(
        status=Status.POSITIVE if called else Status.NEGATIVE,
        any_prob=float(scan_probs[0]),
        any_call=called,
        findings=findings,
        total_ml=_interval(sum(f.ml.value for f in findings if f.ml)),
        side=side,
        location=region,
        sentence=f"Acute {subtype.value}, {side.value} {region}." if subtype and side else "",
        key_slice=3,
    )
    header = Instance(
        file=FileRef(Path(f"{k}.dcm")),
        sop_uid=slices[0],
        study_uid=study,
        series_uid=series,
        modality="CT",
        kvp=120.0 if k % 2 else 100.0,
        manufacturer=("ACME", "Other")[k % 2],
        patient_id=f"patient {k}",
        study_date="20240101",
        series_description="Head",
    )
    result = ScanResult(
        status=assessment.status,
        series=Series(study, series, 0, (header,)),
        assessment=assessment,
        slice_probs=probs,
        sop_uids=slices,
        positions_mm=np.stack([np.array([-120.0, -120.0, 5.0 * z]) for z in range(6)]),
        spacing_mm=(5.0, 0.5, 0.5),
        slice_thickness_mm=(1.0, 5.0)[k % 2],
        tilt_deg=0.0,
        second_opinion=_opinion(k, bleeds, subtype, side),
        model="resnet",
        model_sha256="a" * 64,
        timings_s={"load": 0.5, "infer": 1.5},
    )
    truth = {label: bleeds and label in ("any", subtype and subtype.value) for label in LABELS}
    return SimScan(
        study_uid=study,
        series_uid=series,
        patient=f"patient {k}",
        truth={label: bool(value) for label, value in truth.items()},
        ml={"total": ml},
        side=side,
        region=region,
        slices=slices,
        slice_truth=tuple(slice_truth),
        result=result,
    )


def _interval(value: float) -> Interval:
    return Interval(value, value * 0.8, value * 1.2)


def _opinion(
    k: int, bleeds: bool, subtype: Subtype | None, side: Side | None
) -> SecondOpinion | None:
    if k % 4 == 3:
        return None
    if k % 8 == 1:
        return SecondOpinion("gemini", "unavailable", reason="refused")
    says = bleeds if k % 5 else not bleeds
    named = (subtype,) if says and subtype else ()
    return SecondOpinion(
        reader="gemini",
        tier="agree" if says == bleeds else "disagree",
        any=says,
        subtypes=named,
        side=side if says else None,
    )


def unread(k: int = 900) -> SimScan:
    """A bleeding scan that could not be analysed."""
    scan = _scan(k, np.random.default_rng(k), 4.0)
    result = ScanResult(
        status=Status.NOT_ANALYSABLE,
        series=scan.result.series,
        reason=Reason("gap", "12 mm between slices 3 and 4"),
    )
    return SimScan(**{**{f: getattr(scan, f) for f in scan.__dataclass_fields__}, "result": result})


def records(scans: list[SimScan]) -> list[dict[str, Any]]:
    """As ``results.json`` holds them, with patients as they are."""
    return [to_record(scan.result, RecordContext(None)) for scan in scans]


def write_results(scans: list[SimScan], path: Path) -> Path:
    path.write_text(json.dumps(records(scans)), encoding="utf-8")
    return path


def write_labels(scans: list[SimScan], path: Path, *, identity: str = "study_uid") -> Path:
    """A site's own CSV of the truth."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([identity, *LABELS, "ml", "side", "region"])
        for scan in scans:
            writer.writerow(
                [
                    getattr(scan, identity),
                    *(int(scan.truth[label]) for label in LABELS),
                    f"{scan.ml['total']:.3f}",
                    scan.side.value if scan.side else "",
                    scan.region or "",
                ]
            )
    return path
