"""Results with every field filled, and with as few as there can be."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from ich_cli.domain import (
    SUBTYPES,
    Assessment,
    FileRef,
    Finding,
    Instance,
    Interval,
    Lesion,
    Measurement,
    Reason,
    ScanResult,
    SecondOpinion,
    Series,
    Side,
    Skipped,
    Status,
    Subtype,
)
from ich_cli.reports.record import Record, RecordContext, to_record

HASHED = RecordContext(pseudonym=lambda value: f"hash-of-{len(value)}")


def series(n: int = 3, **header: Any) -> Series:
    facts = {"modality": "CT", "patient_id": "P-1", "study_date": "20240131", **header}
    return Series(
        study_uid="1.2.3",
        series_uid="1.2.3.4",
        part=0,
        instances=tuple(
            Instance(FileRef(Path(f"in/{k}.dcm")), f"1.2.3.4.{k}", "1.2.3", "1.2.3.4", **facts)
            for k in range(n)
        ),
    )


def positive() -> ScanResult:
    stack = series(
        3,
        series_description="Kopf nativ",
        kvp=120.0,
        kernel="H30s",
        slice_thickness_mm=5.0,
        acquired=datetime(2024, 1, 31, 22, 5, 10),
    )
    lesion = Lesion(
        Subtype.IPH,
        24.1,
        Side.LEFT,
        (20.0, -3.0, 41.0),
        ((10, -9, 30), (31, 4, 52)),
        1,
        {"putamen": 0.8},
    )
    findings = tuple(
        Finding(
            s,
            prob=0.9 if s is Subtype.IPH else 0.01,
            call=s is Subtype.IPH,
            ml=Interval(24.1, 20.0, 28.0) if s is Subtype.IPH else None,
            ml_reason="" if s is Subtype.IPH else "not called",
            side=Side.LEFT if s is Subtype.IPH else None,
            key_slice=1,
            lesions=(lesion,) if s is Subtype.IPH else (),
        )
        for s in SUBTYPES
    )
    assessment = Assessment(
        Status.POSITIVE,
        any_prob=0.97,
        any_call=True,
        findings=findings,
        total_ml=Interval(24.1, 20.0, 28.0),
        side=Side.LEFT,
        location="left putamen",
        sentence="Acute IPH, left putamen, 24.1 mL (20–28).",
        key_slice=1,
        measurements={
            "midline_shift_mm": Measurement(4.2, "mm", 1, "septum"),
            "infratentorial": Measurement(False),
            "abc2_ml": Measurement(None, "mL", reason="not compact"),
            "volume_ge_30ml": Measurement(np.bool_(False)),  # type: ignore[arg-type]
        },
        flags=("no_midplane",),
    )
    return ScanResult(
        Status.POSITIVE,
        stack,
        assessment=assessment,
        slice_probs=np.full((3, 6), 0.25, np.float32),
        sop_uids=tuple(i.sop_uid for i in stack.instances),
        positions_mm=np.array([[0.0, 0.0, 5.0 * k] for k in range(3)]),
        spacing_mm=(5.0, 0.5, 0.5),
        slice_thickness_mm=5.0,
        tilt_deg=-8.0,
        second_opinion=SecondOpinion(
            "gemini",
            "agree",
            True,
            (Subtype.IPH, Subtype.IVH),
            Side.LEFT,
            "putamen",
            20.0,
            raw={"text": "…"},
        ),
        model="resnet",
        model_sha256="ab" * 32,
        flags=("tilt",),
        used=tuple(i.file for i in stack.instances[:2]),
        skipped=(Skipped(stack.instances[2].file, Reason("same_place")),),
        selection={"kernel": "soft", "score": np.float32(1.5)},
        timings_s={"load": 1.0, "infer": 2.0},
        artefacts={"preview": "previews/ab.png"},
    )


def negative() -> ScanResult:
    one = positive()
    assert one.assessment is not None
    findings = tuple(Finding(s, prob=0.01, call=False, ml_reason="not called") for s in SUBTYPES)
    quiet = Assessment(Status.NEGATIVE, any_prob=0.02, any_call=False, findings=findings)
    return replace(one, status=Status.NEGATIVE, assessment=quiet, second_opinion=None)


def failed() -> ScanResult:
    return ScanResult(Status.FAILED, series(2), Reason("cannot_decode", "JPEG 2000"))


def records() -> list[Record]:
    return [to_record(r, HASHED) for r in (negative(), failed(), positive())]
