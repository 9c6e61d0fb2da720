"""A network's prediction of one volume → calls, millilitres, place, numbers, sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ich_cli.domain import (
    SUBTYPES,
    Assessment,
    Finding,
    SlicePrediction,
    Status,
    Volume,
)
from ich_cli.findings.aggregate import key_slice, scan_probabilities, scan_status
from ich_cli.findings.clinical import unknown_numbers
from ich_cli.findings.extracranial import inside_skull
from ich_cli.findings.labels import LabelArray, resolve_labels, slices_with_blood
from ich_cli.findings.lesions import points_of
from ich_cli.findings.locate import Place, find_place
from ich_cli.findings.measure import EMPTY_MASK, NOT_CALLED, measure
from ich_cli.findings.policy import Policy, policy_of
from ich_cli.findings.sentence import location_of, sentence
from ich_cli.models.card import AnyCard

HOT = 0.7
"""Share of the heat map's maximum from which a voxel points to the bleed."""

MAX_UNSEEN_MM = 3.0
"""Blood in a longer stretch of lost slices may show in none that are left, so that a scan that
lacks one is not called negative. In a shorter one it reaches into the slices on either side."""

NO_MASK = "the network has no mask output"
OUTSIDE = "called by its probability, but its mask lies outside the skull"


@dataclass(frozen=True, slots=True)
class Judged:
    """An assessment, and the blood that it was measured from.

    ``labels`` is ``(z, y, x)``: 0 none, 1…5 as ``SUBTYPES``, 6 blood of no called subtype;
    ``None`` where nothing was called or the network has no mask. ``place`` is how the head
    lies, where blood was measured.
    """

    assessment: Assessment
    labels: LabelArray | None = None
    place: Place | None = None


def assess(volume: Volume, prediction: SlicePrediction, card: AnyCard) -> Assessment:
    """What :func:`judge` says by the card's thresholds, without the labels."""
    return judge(volume, prediction, policy_of(card)).assessment


def assess_with(volume: Volume, prediction: SlicePrediction, policy: Policy) -> Assessment:
    """As :func:`assess`, with the thresholds given directly."""
    return judge(volume, prediction, policy).assessment


def judge(volume: Volume, prediction: SlicePrediction, policy: Policy) -> Judged:
    """Judge and measure one scan.

    Args:
        volume: The scan.
        prediction: The network's slice probabilities and, where it has them, soft masks
            on the volume's grid (float16 or float32; read slice by slice).
        policy: Thresholds and pooling.
    """
    probs = scan_probabilities(prediction, volume, policy)
    status = scan_status(float(probs[0]), policy)
    over = tuple(float(p) >= t for p, t in zip(probs[1:], policy.scan[1:], strict=True))
    if status is not Status.POSITIVE:
        flags: tuple[str, ...] = ()
        if any(over):
            # A subtype without "any" contradicts itself; a person should look.
            status, flags = Status.INDETERMINATE, ("subtype_without_any",)
        elif volume.unseen_mm > MAX_UNSEEN_MM:
            # Flagged ``slices_lost`` with the volume.
            status = Status.INDETERMINATE
        calls = (False,) * len(over)
        return Judged(_unmeasured(status, probs, calls, prediction, NOT_CALLED, flags))
    if prediction.masks is None:
        known = _unmeasured(status, probs, over, prediction, NO_MASK, ())
        return Judged(_by_heat(volume, prediction, known))
    counts = slices_with_blood(prediction.probs[:, 0], volume.slice_mm, policy)
    masked = resolve_labels(prediction.masks, volume, policy, over, counts)
    if not masked.any_area_px.any():
        flags = ("empty_mask",)
        empty = _unmeasured(status, probs, over, prediction, EMPTY_MASK, flags)
        return Judged(empty, masked.labels)
    place = find_place(volume)
    blood = inside_skull(masked, volume, place)
    if not blood.any_area_px.any():
        flags = ("mask_outside_skull",)
        outside = _unmeasured(status, probs, over, prediction, OUTSIDE, flags)
        return Judged(outside, blood.labels)
    measured = measure(volume, prediction, policy, probs, over, blood, place)
    return Judged(measured, blood.labels, place)


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
