"""Other ways to get millilitres from the same mask, and other networks' masks of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ich_cli.domain import SUBTYPES, FloatArray, SlicePrediction, Subtype, Volume
from ich_cli.findings.labels import resolve_labels, slices_with_blood
from ich_cli.findings.partial import partial_blood
from ich_cli.findings.policy import Policy

SHIFT = -2.2
"""Log-odds by which a network may be under-confident: its best threshold is then 0.1."""

SCALES = {"pale": 0.6, "crisp": 1.6}
"""Slope of its log-odds against those of the blurred truth."""


def other_ml(
    volume: Volume, prediction: SlicePrediction, policy: Policy, subtype: Subtype
) -> dict[str, float]:
    """Millilitres by mask area, by the plain sum, and as measured from miscalibrated masks."""
    if prediction.masks is None:
        raise ValueError("only masks have an area")
    called = tuple(one is subtype for one in SUBTYPES)
    counts = slices_with_blood(prediction.probs[:, 0], volume.slice_mm, policy)
    blood = resolve_labels(prediction.masks, volume, policy, called, counts)
    soft = np.asarray(prediction.masks[:, 0], np.float32)
    found = {
        "area": float((volume.voxel_ml @ blood.area_px)[1:].sum()),
        "sum": float(volume.voxel_ml @ np.where(soft > 0.05, soft, 0.0).sum(axis=(1, 2))),
    }
    threshold = 1.0 / (1.0 + np.exp(-SHIFT))
    for name, scale in SCALES.items():
        masks = miscalibrated(prediction.masks, scale)
        shifted = replace(policy, mask=(float(threshold),) * len(policy.mask))
        partial = partial_blood(blood, masks, volume, shifted)
        found[name] = float(partial.by_label(blood.labels).sum())
    return found


def miscalibrated(masks: FloatArray, scale: float) -> FloatArray:
    """The same mask from an under-confident network; ``SHIFT`` moves its threshold along."""
    union = np.clip(np.asarray(masks[:, :1], np.float32), 1e-4, 1.0 - 1e-4)
    logit = scale * np.log(union / (1.0 - union)) + SHIFT
    return np.where(np.asarray(masks[:, :1]) > 0.0, 1.0 / (1.0 + np.exp(-logit)), 0.0)
