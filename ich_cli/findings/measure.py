"""A positive scan with masks → findings, numbers and the sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ich_cli.domain import (
    SUBTYPES,
    Assessment,
    Finding,
    SlicePrediction,
    Status,
    Subtype,
    Volume,
)
from ich_cli.findings.aggregate import key_slice
from ich_cli.findings.amount import volumes_ml
from ich_cli.findings.clinical import clinical_numbers
from ich_cli.findings.labels import UNTYPED, BloodLabels
from ich_cli.findings.lesions import BloodPoints, find_lesions, points_of
from ich_cli.findings.locate import Place
from ich_cli.findings.partial import partial_blood
from ich_cli.findings.policy import Policy
from ich_cli.findings.sentence import location_of, sentence

NOT_CALLED = "not called"
EMPTY_MASK = "called by its probability, but its mask is empty"
NOWHERE = BloodPoints(np.zeros((0, 3)), np.zeros(0), np.zeros(0, np.intp))


def measure(
    volume: Volume,
    prediction: SlicePrediction,
    policy: Policy,
    probs: NDArray[np.float64],
    called: tuple[bool, ...],
    blood: BloodLabels,
    place: Place,
) -> Assessment:
    """Everything that is reported of a positive scan with blood in its masks.

    Args:
        volume: The scan.
        prediction: With masks.
        policy: Thresholds.
        probs: ``(6,)`` scan probabilities.
        called: Whether the scan has each subtype.
        blood: What the masks say, freed of what lies outside the skull.
        place: How the head lies.
    """
    if prediction.masks is None:
        raise ValueError("cannot measure without masks")
    partial = partial_blood(blood, prediction.masks, volume, policy)
    total, each = volumes_ml(blood, partial, volume)
    lesions = find_lesions(blood.labels, volume, place, partial)
    findings = []
    spoken: dict[Subtype, str | None] = {}
    for value, subtype in enumerate(SUBTYPES, start=1):
        call, ml, area = called[value - 1], each.get(value), blood.area_px[:, value]
        at = points_of(blood.labels == value, volume, partial) if ml else NOWHERE
        regions = place.regions(subtype, at.points, at.ml)
        side = place.side(at.points, at.ml)
        spoken[subtype] = location_of(regions, side, place.level(at.points) if ml else "")
        findings.append(
            Finding(
                subtype=subtype,
                prob=float(probs[value]),
                call=call,
                ml=ml,
                ml_reason="" if ml else (EMPTY_MASK if call else NOT_CALLED),
                side=side,
                regions=regions,
                key_slice=int(area.argmax()) if ml else int(prediction.probs[:, value].argmax()),
                lesions=tuple(one for one in lesions if one.subtype is subtype),
            )
        )
    everything = points_of(_spoken_of(blood), volume, partial)
    numbers = clinical_numbers(volume, blood.labels, findings, total, place)
    doubts = (
        ("no_midplane", place.plane is None),
        ("no_region_fit", not place.named),
        ("side_uncertain", not place.side_is_sure(everything.points, everything.ml)),
    )
    flags = tuple(name for name, applies in doubts if applies)
    return Assessment(
        status=Status.POSITIVE,
        any_prob=float(probs[0]),
        any_call=True,
        findings=tuple(findings),
        total_ml=total,
        side=place.side(everything.points, everything.ml),
        location=_location(findings, spoken, place, everything),
        sentence=sentence(findings, total, spoken, numbers),
        key_slice=key_slice(prediction, blood.any_area_px),
        measurements=numbers,
        flags=flags,
    )


def _spoken_of(blood: BloodLabels) -> NDArray[np.bool_]:
    """The blood that side and location are told of: of called subtypes, else all of it.

    Blood of no called subtype counts in the total, but is too often none.
    """
    typed = (blood.labels > 0) & (blood.labels < UNTYPED)
    return typed if typed.any() else blood.labels > 0


def _location(
    findings: Sequence[Finding],
    spoken: Mapping[Subtype, str | None],
    place: Place,
    everything: BloodPoints,
) -> str | None:
    """Where the largest called bleed is; of untyped blood, where it all is."""
    measured = [one for one in findings if one.ml is not None]
    if measured:
        largest = max(measured, key=lambda one: one.ml.value if one.ml else 0.0)
        return spoken[largest.subtype]
    regions = place.regions(None, everything.points, everything.ml)
    side = place.side(everything.points, everything.ml)
    return location_of(regions, side, place.level(everything.points))
