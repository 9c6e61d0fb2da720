"""What looks like blood and is none, drawn into slices so that networks learn the difference.

The kinds come from looking at false alarms: calcified pineal, plexus and falx, streaks of
metal or motion, a rim brightened by beam hardening, and strips of brain between huge
ventricles. All work is on ``(channels, y, x)`` float32 HU in 0…80 of ``pixel_mm``.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from training.samples.insert import Cranium, find_cranium

OVER_BLOOD = ("calcium", "streaks", "shading")
"""Kinds that leave a bleed of the slice to be seen."""


def add_mimic(
    picture: np.ndarray, pixel_mm: float, kind: str, rng: np.random.Generator
) -> np.ndarray | None:
    """``picture`` with one mimic of ``kind``, or None where there is no place for it."""
    cranium = find_cranium(picture[picture.shape[0] // 2], pixel_mm)
    if cranium is None:
        return None
    return KINDS[kind](picture, cranium, rng).clip(0, 80).astype(np.float32)


def _calcium(picture: np.ndarray, c: Cranium, rng: np.random.Generator) -> np.ndarray:
    """One spot near the midline, two beside it (plexus), or a row along it (falx)."""
    axis, across = _axes(c)
    style = rng.choice(["pineal", "plexus", "falx"])
    if style == "pineal":
        spots = [(rng.normal(-5, 12), rng.normal(0, 2))]
    elif style == "plexus":
        along, off = rng.normal(-15, 8), rng.uniform(12, 25)
        spots = [(along + rng.normal(0, 2), side * off) for side in (-1, 1)]
    else:
        start = rng.uniform(-70, 50)
        spots = [(start + step, rng.normal(0, 0.7)) for step in np.arange(0, rng.uniform(4, 25), 3)]
    out = picture.copy()
    gy, gx = _grid(c)
    for along, off in spots:
        y, x = np.array([c.cy, c.cx]) + (along * axis + off * across) / c.pixel_mm
        away = np.hypot(gy - y, (gx - x)) * c.pixel_mm
        spot = np.clip(1.5 - away / rng.uniform(0.8, 3.0), 0, 1) * c.inside
        out += spot * (rng.uniform(75, 140) - out)
    return out


def _streaks(picture: np.ndarray, c: Cranium, rng: np.random.Generator) -> np.ndarray:
    """Rays from a point at the rim or outside, dark and bright in turn."""
    turn = rng.uniform(-np.pi, np.pi)
    far = rng.uniform(40, 110) / c.pixel_mm
    gy, gx = _grid(c)
    dy, dx = gy - c.cy - far * np.sin(turn), gx - c.cx - far * np.cos(turn)
    angle, away = np.arctan2(dy, dx), np.hypot(dy, dx) * c.pixel_mm
    waves = sum(
        rng.normal() * np.cos(k * angle + rng.uniform(0, 2 * np.pi)) for k in rng.integers(6, 60, 7)
    )
    rays = waves / 2.5 * rng.uniform(4, 22) * np.exp(-away / rng.uniform(25, 120))
    return picture + rays * (picture > 1)


def _shading(picture: np.ndarray, c: Cranium, rng: np.random.Generator) -> np.ndarray:
    """The rim brighter than the middle, and a slow drift over the slice."""
    rim = rng.uniform(0, 9) * np.exp(-c.depth_mm / rng.uniform(3, 12)) * c.inside
    drift = cv2.GaussianBlur(
        rng.standard_normal(c.inside.shape).astype(np.float32), (0, 0), 40 / c.pixel_mm
    )
    drift *= rng.uniform(0, 4) / (drift.std() + 1e-6)
    return picture + (rim + drift) * (picture > 1)


def _ventricles(picture: np.ndarray, c: Cranium, rng: np.random.Generator) -> np.ndarray:
    """Two lakes of fluid with a strip of brain between them, over the picture's own noise."""
    axis, across = _axes(c)
    gy, gx = _grid(c)
    along = ((gy - c.cy) * axis[0] + (gx - c.cx) * axis[1]) * c.pixel_mm
    beside = ((gy - c.cy) * across[0] + (gx - c.cx) * across[1]) * c.pixel_mm
    strip, wide, high = rng.uniform(1, 8), rng.uniform(12, 40), rng.uniform(25, 65)
    centre = rng.normal(0, 10)
    lakes = np.zeros(c.inside.shape, np.float32)
    for side in (-1, 1):
        scale = rng.uniform(0.6, 1.1)
        off = (beside * side - strip - wide * scale / 2) / (wide * scale / 2)
        lakes = np.maximum(lakes, off**2 + ((along - centre) / (high * scale)) ** 2 < 1)
    lakes = cv2.GaussianBlur(lakes * (c.depth_mm > 6), (0, 0), 0.9 / c.pixel_mm)
    smooth = np.stack([cv2.GaussianBlur(p, (0, 0), 1.6 / c.pixel_mm) for p in picture])
    fluid = rng.uniform(2, 12) + (picture - smooth)
    return picture * (1 - lakes) + fluid * lakes


def _axes(c: Cranium) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors (y, x) along the head, towards the back of an upright slice, and across."""
    ys, xs = np.nonzero(c.inside)
    axis = np.linalg.eigh(np.cov(np.stack([ys, xs])))[1][:, 1]
    axis = axis * (np.sign(axis[0]) or 1.0)
    return axis, np.array([-axis[1], axis[0]])


def _grid(c: Cranium) -> tuple[np.ndarray, np.ndarray]:
    gy, gx = np.mgrid[: c.inside.shape[0], : c.inside.shape[1]].astype(np.float32)
    return gy, gx


KINDS: dict[str, Callable[[np.ndarray, Cranium, np.random.Generator], np.ndarray]] = {
    "calcium": _calcium,
    "streaks": _streaks,
    "shading": _shading,
    "ventricles": _ventricles,
}
