"""Scans a simulated head: turned, tilted, sliced, stored in any orientation, with noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ich_cli.domain import LABELS, SUBTYPES, SlicePrediction, Volume
from ich_cli.findings.midline import Midplane
from training.anatomy.label_map import hounsfield
from training.simulation.bleeds import Truth
from training.simulation.head import Head
from training.simulation.scanner import Frame, Scanner
from training.simulation.scans import seen_ml

BLOOD_HU = 66.0
BLUR_MM = 1.2


@dataclass(frozen=True)
class Seen:
    """The truth as the scanner sees it: millilitres within the slices, plane as turned."""

    ml: float
    plane: Midplane


def scan(
    head: Head, truth: Truth, scanner: Scanner, rng: np.random.Generator
) -> tuple[Volume, SlicePrediction, Seen]:
    """HU volume, what a good but soft network would say of it, and the truth in view.

    The mask is the share of each voxel that is blood, blurred by ``BLUR_MM``, with smooth
    noise in its logits: errors of a network's outline, none of its attention.
    """
    frame = Frame.of(scanner, head.centre)
    rows, cols = scanner.matrix
    hu = np.empty((len(frame.positions), rows, cols), np.float32)
    masks = np.zeros((len(hu), len(LABELS), rows, cols), np.float16)
    value = 1 + SUBTYPES.index(truth.subtype)
    parts = max(2, round(scanner.thickness_mm / 1.7))
    shifts = ((np.arange(parts) + 0.5) / parts - 0.5) * scanner.thickness_mm
    for z in range(len(hu)):
        image = np.zeros(rows * cols, np.float32)
        blood = np.zeros(rows * cols, np.float32)
        for number, shift in enumerate(shifts):
            own = frame.points(z, shift, ((number % 2) - 0.5) / 2)
            index = np.round(own - head.map.origin_mm).astype(np.int32)[:, ::-1]
            inside = np.all((index >= 0) & (index < head.map.labels.shape), axis=1)
            where = tuple(index[inside].T)
            part = np.full(rows * cols, -1000.0, np.float32)
            part[inside] = hounsfield(head.map.labels[where])
            bled = np.zeros(rows * cols, bool)
            bled[inside] = truth.mask[where]
            part[bled] = BLOOD_HU
            image += part / parts
            blood += bled / parts
        hu[z] = image.reshape(rows, cols) + rng.normal(0, 4, (rows, cols))
        masks[z, 0] = masks[z, value] = _soft(
            blood.reshape(rows, cols), BLUR_MM / np.asarray(scanner.pixel_mm), rng
        )
    has = masks.max(axis=(2, 3)) > 0.5
    probs = np.where(has, 0.95, 0.02).astype(np.float32)
    volume = frame.volume(hu)
    seen = Seen(seen_ml(head, truth, volume, frame), frame.plane(head.plane))
    return volume, SlicePrediction(probs, masks), seen


def _soft(
    share: NDArray[np.float32], blur_px: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float32]:
    blurred = np.clip(ndimage.gaussian_filter(share, blur_px), 0.003, 0.997)
    if share.max() <= 0.0:
        return np.zeros_like(share)
    noise = ndimage.gaussian_filter(rng.normal(0, 1, share.shape), 3.0) * 10.0 * 0.4
    logit = np.log(blurred / (1 - blurred)) + noise
    return (1.0 / (1.0 + np.exp(-logit))).astype(np.float32)
