"""A network's prediction of one volume → calls, millilitres, place, numbers, sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

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
from ich_cli.findings.aggregate import key_slice, scan_probabilities, scan_status
from ich_cli.findings.amount import volumes_ml
from ich_cli.findings.clinical import clinical_numbers, unknown_numbers
from ich_cli.findings.extracranial import inside_skull
from ich_cli.findings.labels import BloodLabels, resolve_labels
from ich_cli.findings.lesions import BloodPoints, find_lesions, points_of
from ich_cli.findings.locate import Place, find_place
from ich_cli.findings.policy import Policy, policy_of
from ich_cli.findings.sentence import location_of, sentence
from ich_cli.models.card import Card

HOT = 0.7
"""Share of the heat map's maximum from which a voxel points to the bleed."""

NO_MASK = "the network has no mask output"
NOT_CALLED = "not called"
NOWHERE = BloodPoints(np.zeros((0, 3)), np.zeros(0), np.zeros(0, np.intp))
OUTSIDE = "called by its probability, but its mask lies outside the skull"
EMPTY_MASK = "called by its probability, but its mask is empty"


def assess(volume: Volume, prediction: SlicePrediction, card: Card) -> Assessment:
    """Judge and measure one scan.

    Args:
        volume: The scan.
        prediction: The network's slice probabilities and, where it has them, soft masks
            on the volume's grid (float16 or float32; read slice by slice).
        card: The model card, for its thresholds and pooling.
    """
    return assess_with(volume, prediction, policy_of(card))


def assess_with(volume: Volume, prediction: SlicePrediction, policy: Policy) -> Assessment:
    """As :func:`assess`, with the thresholds given directly."""
    probs = scan_probabilities(prediction, volume, policy)
    status = scan_status(float(probs[0]), policy)
    over = tuple(float(p) >= t for p, t in zip(probs[1:], policy.scan[1:], strict=True))
    if status is not Status.POSITIVE:
        flags: tuple[str, ...] = ()
        if any(over):
            # A subtype without "any" contradicts itself; a person should look.
            status, flags = Status.INDETERMINATE, ("subtype_without_any",)
        return _unmeasured(status, probs, (False,) * len(over), prediction, NOT_CALLED, flags)
    if prediction.masks is None:
        return _by_heat(
            volume, prediction, _unmeasured(status, probs, over, prediction, NO_MASK, ())
        )
    masked = resolve_labels(prediction.masks, volume, policy, over)
    if not masked.any_area_px.any():
        return _unmeasured(status, probs, over, prediction, EMPTY_MASK, ("empty_mask",))
    place = find_place(volume)
    blood = inside_skull(masked, volume, place)
    if not blood.any_area_px.any():
        return _unmeasured(status, probs, over, prediction, OUTSIDE, ("mask_outside_skull",))
    return _measured(volume, prediction, policy, probs, over, blood, place)


def _measured(
    volume: Volume,
    prediction: SlicePrediction,
    policy: Policy,
    probs: NDArray[np.float64],
    called: tuple[bool, ...],
    blood: BloodLabels,
    place: Place,
) -> Assessment:
    """A positive scan with blood in its masks."""
    if prediction.masks is None:
        raise ValueError("cannot measure without masks")
    total, each = volumes_ml(blood, prediction.masks, volume, policy)
    lesions = find_lesions(blood.labels, volume, place)
    findings = []
    spoken: dict[Subtype, str | None] = {}
    for value, subtype in enumerate(SUBTYPES, start=1):
        call, ml, area = called[value - 1], each.get(value), blood.area_px[:, value]
        at = points_of(blood.labels == value, volume) if ml else NOWHERE
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
    everything = points_of(blood.labels > 0, volume)
    numbers = clinical_numbers(volume, blood.labels, findings, total, place)
    missing = (("no_midplane", place.plane is None), ("no_region_fit", not place.named))
    flags = tuple(name for name, is_missing in missing if is_missing)
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


def _by_heat(volume: Volume, prediction: SlicePrediction, known: Assessment) -> Assessment:
    """Add the place of the hottest part of the class-activation map; no volume."""
    if prediction.heat is None or float(prediction.heat.max(initial=0.0)) <= 0.0:
        return known
    hot = prediction.heat >= HOT * prediction.heat.max()
    place = find_place(volume)
    at = points_of(hot, volume)
    if not len(at.points):
        return known
    side = place.side(at.points, at.ml)
    regions = place.regions(None, at.points, at.ml)
    where = location_of(regions, side, place.level(at.points))
    called = [one.subtype for one in known.findings if one.call]
    key = int(hot.sum(axis=(1, 2)).argmax())
    words = sentence(known.findings, None, dict.fromkeys(called, where), known.measurements)
    return replace(known, side=side, location=where, key_slice=key, sentence=words)


def _unmeasured(
    status: Status,
    probs: NDArray[np.float64],
    called: tuple[bool, ...],
    prediction: SlicePrediction,
    reason: str,
    flags: tuple[str, ...],
) -> Assessment:
    """A scan without volume, and why."""
    findings = tuple(
        Finding(
            subtype=subtype,
            prob=float(probs[k]),
            call=called[k - 1],
            ml_reason=reason if called[k - 1] else NOT_CALLED,
            key_slice=int(prediction.probs[:, k].argmax()),
        )
        for k, subtype in enumerate(SUBTYPES, start=1)
    )
    return Assessment(
        status=status,
        any_prob=float(probs[0]),
        any_call=status is Status.POSITIVE,
        findings=findings,
        ml_reason=reason,
        sentence=sentence(findings, None, {}, {}) if status is Status.POSITIVE else "",
        key_slice=key_slice(prediction),
        measurements=unknown_numbers(reason) if status is Status.POSITIVE else {},
        flags=flags,
    )
