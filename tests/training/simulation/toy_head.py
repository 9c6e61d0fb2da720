"""A small head of nested balls, labelled as the whole-head label maps are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from ich_cli.domain import Side, Subtype
from ich_cli.findings.midline import Midplane
from ich_cli.findings.regions import Kind
from training.anatomy.alignment import STEP_MM, grid
from training.anatomy.label_map import LabelMap
from training.simulation.bleeds import Truth
from training.simulation.head import INSIDE, Head

SIZE = 120
SHELLS = ((56, 511), (52, 507), (46, 515), (44, 516), (42, 515), (40, 24))


def toy_head() -> Head:
    """Skin, scalp, skull with diploe, CSF, cortex, white matter, ventricles, cerebellum."""
    z, y, x = np.indices((SIZE,) * 3) - SIZE // 2
    away = np.sqrt(z**2 + y**2 + x**2)
    labels = np.zeros((SIZE,) * 3, np.int16)
    for radius, value in SHELLS:
        labels[away < radius] = value
    left = x > 1
    right = x < -1
    for radius, (a, b) in ((37, (3, 42)), (32, (2, 41))):
        labels[(away < radius) & left] = a
        labels[(away < radius) & right] = b
    labels[(away < 37) & (z < -14)] = 24
    labels[(away < 36) & (z < -17)] = 8
    labels[(np.hypot(y, x - 8) < 5) & (np.abs(z) < 10)] = 4
    labels[(np.hypot(y, x + 8) < 5) & (np.abs(z) < 10)] = 43
    labels[(np.abs(x) < 2) & (np.abs(y) < 5) & (np.abs(z) < 5)] = 14
    labels[(np.hypot(np.hypot(z, y + 49), x - 12) < 4) & (labels == 507)] = 506
    cavity = np.isin(labels, INSIDE)
    depth = ndimage.distance_transform_edt(cavity).astype(np.float32)
    plane = Midplane(np.array([1.0, 0.0, 0.0]), 0.0, 1.0)
    return Head(LabelMap(labels, np.full(3, -SIZE / 2)), np.eye(4), {}, plane, cavity, depth)


def ball(head: Head, centre: tuple[int, int, int], radius: float, subtype: Subtype) -> Truth:
    """A round bleed at an offset ``(z, y, x)`` from the middle."""
    axes = np.indices(head.cavity.shape) - SIZE // 2 - np.reshape(centre, (3, 1, 1, 1))
    mask = (axes**2).sum(axis=0) < radius**2
    return Truth(subtype, mask, mask.sum() / 1000, Side.LEFT, True, {}, None)


def with_regions(head: Head) -> Head:
    """The same with regions, which an IPH is drawn by: all of it is one."""
    size = grid(STEP_MM)[1]
    return replace(head, regions={kind.value: np.ones(size, np.uint8) for kind in Kind})
