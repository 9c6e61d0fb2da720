"""A network's prediction of one volume → calls, millilitres, place, numbers, sentence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ich_cli.domain import SUBTYPES, Assessment, Finding, SlicePrediction, Status, Volume
from ich_cli.findings.aggregate import key_slice, scan_probabilities, scan_status
from ich_cli.findings.amount import volumes_ml
from ich_cli.findings.coarse import coarse_head
from ich_cli.findings.labels import BloodLabels, resolve_labels
from ich_cli.findings.lesions import find_lesions, side_of_mask
from ich_cli.findings.midline import find_midplane
from ich_cli.findings.policy import Policy, policy_of
from ich_cli.models.card import Card

NO_MASK = "the network has no mask output"
NOT_CALLED = "not called"
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
        return _unmeasured(status, probs, over, prediction, NO_MASK, ())
    blood = resolve_labels(prediction.masks, volume, policy, over)
    if not blood.any_area_px.any():
        return _unmeasured(status, probs, over, prediction, EMPTY_MASK, ("empty_mask",))
    return _measured(volume, prediction, policy, probs, over, blood)


def _measured(
    volume: Volume,
    prediction: SlicePrediction,
    policy: Policy,
    probs: NDArray[np.float64],
    called: tuple[bool, ...],
    blood: BloodLabels,
) -> Assessment:
    """A positive scan with blood in its masks."""
    if prediction.masks is None:
        raise ValueError("cannot measure without masks")
    plane = find_midplane(coarse_head(volume))
    total, each = volumes_ml(blood, prediction.masks, volume, policy)
    lesions = find_lesions(blood.labels, volume, plane)
    findings = []
    for value, subtype in enumerate(SUBTYPES, start=1):
        call = called[value - 1]
        ml = each.get(value)
        area = blood.area_px[:, value]
        findings.append(
            Finding(
                subtype=subtype,
                prob=float(probs[value]),
                call=call,
                ml=ml,
                ml_reason="" if ml else (EMPTY_MASK if call else NOT_CALLED),
                side=side_of_mask(blood.labels == value, volume, plane) if ml else None,
                key_slice=int(area.argmax()) if ml else int(prediction.probs[:, value].argmax()),
                lesions=tuple(one for one in lesions if one.subtype is subtype),
            )
        )
    return Assessment(
        status=Status.POSITIVE,
        any_prob=float(probs[0]),
        any_call=True,
        findings=tuple(findings),
        total_ml=total,
        side=side_of_mask(blood.labels > 0, volume, plane),
        key_slice=key_slice(prediction, blood.any_area_px),
        flags=() if plane is not None else ("no_midplane",),
    )


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
        key_slice=key_slice(prediction),
        flags=flags,
    )
