"""Mass effect: how far a bleed pushes the brain away, mostly across the midline."""

from __future__ import annotations

import numpy as np

from ich_cli.domain import Subtype
from ich_cli.phantom.bleed import Growth, crescent
from ich_cli.phantom.brain import Push
from ich_cli.phantom.fields import Array, Points

CRESCENT_MM2 = 6000.0
"""Area that a convexity SDH covers, weighted by its profile."""


def push(growths: tuple[Growth, ...], p: Points, vault: Array) -> Push | None:
    """What all bleeds together do to the brain.

    The shift is across only (along x), strongest beside the clot and fading beyond the
    midline: what a reader sees as effaced ventricle and midline shift.

    Args:
        growths: The bleeds.
        p: Where.
        vault: Signed distance to the inner table.
    """
    shift = compress = None
    for growth in growths:
        moved = _MOVES.get(growth.subtype)
        if moved is None or (growth.subtype is Subtype.SDH and growth.region != "convexity"):
            continue
        away, thick = moved(growth, p, vault)
        shift = away if shift is None else shift + away
        compress = thick if compress is None else compress + thick
    if shift is None or compress is None:
        return None
    return Push(shift, compress)


def _fade(growth: Growth, p: Points) -> Array:
    """1 at the side of the head, a third at the midline, 0 well beyond."""
    return np.asarray(np.clip((growth.sign * p.x + 30) / 90, 0, 1), np.float32)


def _subdural(growth: Growth, p: Points, vault: Array) -> tuple[Array, Array]:
    del vault
    ends = np.clip(1 - ((p.y - 4) / 80) ** 4, 0, 1) * np.clip(1 - ((p.z - 24) / 60) ** 4, 0, 1)
    most = 1000 * growth.target_ml / CRESCENT_MM2
    here = (growth.sign * p.x > 0) * crescent(p)
    return growth.sign * most * ends * _fade(growth, p), most * here


def _epidural(growth: Growth, p: Points, vault: Array) -> tuple[Array, Array]:
    del vault
    radius = 10 * (growth.target_ml * 3 / (2 * np.pi * 0.5)) ** (1 / 3)
    _, y, z = growth.anchor
    across2 = ((p.y - y) ** 2 + (p.z - z) ** 2) / radius**2
    thick = 0.4 * radius * np.exp(-0.8 * across2)
    lens = np.clip(0.45 * radius * (1 - across2), 0, None) * (growth.sign * p.x > 0)
    return growth.sign * thick * _fade(growth, p), np.asarray(lens, np.float32)


def _parenchymal(growth: Growth, p: Points, vault: Array) -> tuple[Array, Array]:
    radius = 10 * (growth.target_ml * 3 / (4 * np.pi)) ** (1 / 3)
    x, y, z = growth.anchor
    dx = p.x - np.float32(x)
    distance = np.sqrt(dx * dx + ((p.y - y) ** 2 + (p.z - z) ** 2)) + np.float32(1.0)
    far = np.clip((distance - radius) / 45, 0, 1)
    room = np.clip(-vault / 20, 0, 1)
    away = 0.35 * radius * (1 - far) ** 2 * np.clip(distance / radius, 0, 1) * room
    return np.asarray(-away * dx / distance, np.float32), np.zeros((1, 1), np.float32)


_MOVES = {
    Subtype.EDH: _epidural,
    Subtype.IPH: _parenchymal,
    Subtype.SDH: _subdural,
}
