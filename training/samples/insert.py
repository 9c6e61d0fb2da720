"""Simulated bleeds that follow the anatomy of a real slice, keeping its noise.

All work is on crops of :mod:`training.cache`: ``(channels, side, side)`` float32 HU in
0…80, square pixels of ``pixel_mm``. The functions return the new picture and the mask of
the subtype, or None where the slice offers no place (base, vertex, no skull ring).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

LABEL = {"edh": 1, "iph": 2, "ivh": 3, "sah": 4, "sdh": 5}
BONE_HU = 78.0


@dataclass(frozen=True)
class Cranium:
    """The inside of the skull: ``inside`` bool, ``depth_mm`` from the inner table, centre."""

    inside: np.ndarray
    depth_mm: np.ndarray
    cy: float
    cx: float
    pixel_mm: float


def find_cranium(hu: np.ndarray, pixel_mm: float) -> Cranium | None:
    """The intracranial room of one ``(y, x)`` slice, if it is one clean compartment."""
    bone = (hu >= BONE_HU).astype(np.uint8)
    bone = cv2.morphologyEx(bone, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    outside = bone.copy()
    cv2.floodFill(outside, None, (0, 0), 2)
    enclosed = (outside == 0).astype(np.uint8)
    enclosed = cv2.morphologyEx(enclosed, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8))
    count, parts, stats, centres = cv2.connectedComponentsWithStats(enclosed)
    if count < 2:
        return None
    best = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    area_mm2 = stats[best, cv2.CC_STAT_AREA] * pixel_mm**2
    inside = (parts == best).astype(np.uint8)
    contours, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(contours, key=cv2.contourArea)
    hull_area = cv2.contourArea(cv2.convexHull(outline))
    if area_mm2 < 5000 or cv2.contourArea(outline) < 0.88 * hull_area:
        return None
    cv2.drawContours(inside, [outline], -1, 1, cv2.FILLED)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5) * pixel_mm
    cx, cy = centres[best]
    return Cranium(inside > 0, depth, float(cy), float(cx), pixel_mm)


def insert(
    picture: np.ndarray, pixel_mm: float, kind: str, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray] | None:
    """Insert one bleed of ``kind`` into ``(channels, y, x)``; the mask is the middle slice's."""
    middle = picture[picture.shape[0] // 2]
    cranium = find_cranium(middle, pixel_mm)
    if cranium is None:
        return None
    smooth = cv2.GaussianBlur(middle, (0, 0), 1.6 / pixel_mm)
    shape = _SHAPES[kind](cranium, smooth, rng)
    if shape is None or (shape > 0.5).sum() * pixel_mm**2 < 12:
        return None
    out = picture.copy()
    density = _density(kind, rng)
    texture = cv2.GaussianBlur(rng.standard_normal(middle.shape).astype(np.float32), (0, 0), 4)
    blood = density + texture * (rng.uniform(0, 5) / (texture.std() + 1e-6))
    for channel in range(picture.shape[0]):
        alpha = shape
        if channel != picture.shape[0] // 2:
            alpha = _neighbour(shape, rng)
        base = cv2.GaussianBlur(out[channel], (0, 0), 1.6 / pixel_mm)
        noise = np.where(base < 70, out[channel] - base, 0)
        if kind == "iph":
            rim = cv2.GaussianBlur(alpha, (0, 0), rng.uniform(2, 6) / pixel_mm)
            out[channel] -= rng.uniform(2, 9) * np.clip(rim * 2 - alpha, 0, 1) * cranium.inside
        out[channel] = out[channel] * (1 - alpha) + (blood + noise) * alpha
    return out.clip(0, 80), shape > 0.5


def _neighbour(shape: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same bleed one slice up or down: a little larger, smaller, or gone."""
    if rng.random() < 0.15:
        return np.zeros_like(shape)
    blurred = cv2.GaussianBlur(shape, (0, 0), 3)
    return np.clip((blurred - rng.uniform(0.3, 0.8)) * 4 + 0.5, 0, 1)


def _density(kind: str, rng: np.random.Generator) -> float:
    if kind == "sah":
        return rng.uniform(42, 66)
    if kind == "sdh" and rng.random() < 0.3:
        return rng.uniform(40, 52)
    return rng.uniform(52, 74)


def _polar(c: Cranium) -> np.ndarray:
    ys, xs = np.mgrid[: c.inside.shape[0], : c.inside.shape[1]].astype(np.float32)
    return np.arctan2(ys - c.cy, xs - c.cx)


def _soft(mask: np.ndarray, c: Cranium, rng: np.random.Generator) -> np.ndarray:
    edge = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), rng.uniform(0.4, 0.9) / c.pixel_mm)
    return edge * c.inside


def _edh(c: Cranium, _smooth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A lens: the cranium cut by an ellipse that bulges inwards from the inner table."""
    ys, xs = np.nonzero(c.inside & (c.depth_mm < 1.5 * c.pixel_mm))
    pick = int(rng.integers(len(ys)))
    by, bx = float(ys[pick]), float(xs[pick])
    length = rng.uniform(9, 40) / c.pixel_mm
    thick = min(rng.uniform(4, 24) / c.pixel_mm, length * 0.75)
    inward = np.arctan2(c.cy - by, c.cx - bx) + rng.normal(0, 0.1)
    gy, gx = np.mgrid[: c.inside.shape[0], : c.inside.shape[1]].astype(np.float32)
    along = -(gx - bx) * np.sin(inward) + (gy - by) * np.cos(inward)
    deep = (gx - bx) * np.cos(inward) + (gy - by) * np.sin(inward)
    sag = rng.uniform(0.5, 1.5) * along**2 * c.pixel_mm / 75.0 * 0.5 * 0.2
    lens = ((along / length) ** 2 + (np.clip(deep - sag, 0, None) / thick) ** 2) < 1
    lens &= (deep < thick * 1.6) & (np.abs(along) < length)
    return _soft(lens & c.inside, c, rng)


def _sdh(c: Cranium, _smooth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A crescent along the inner table, or a band beside falx or tentorium."""
    if rng.random() < 0.3:
        return _falx_band(c, rng)
    angle = _polar(c)
    centre = rng.uniform(-np.pi, np.pi)
    spread = rng.uniform(0.35, 1.3)
    away = np.abs(np.angle(np.exp(1j * (angle - centre)))) / spread
    thick = rng.choice([rng.uniform(1.5, 4), rng.uniform(4, 14)])
    wave = cv2.GaussianBlur(rng.standard_normal(c.inside.shape).astype(np.float32), (0, 0), 12)
    profile = thick * np.clip(1 - away**2, 0, 1) ** rng.uniform(0.4, 1.0)
    profile = profile * (1 + 0.25 * wave / (wave.std() + 1e-6))
    return _soft((c.depth_mm < profile) & c.inside, c, rng)


def _falx_band(c: Cranium, rng: np.random.Generator) -> np.ndarray:
    """2…7 mm beside the midline, found as the axis of the cranium's own shape."""
    ys, xs = np.nonzero(c.inside)
    axis = np.linalg.eigh(np.cov(np.stack([ys, xs])))[1][:, 1]
    gy, gx = np.mgrid[: c.inside.shape[0], : c.inside.shape[1]].astype(np.float32)
    along = ((gy - c.cy) * axis[0] + (gx - c.cx) * axis[1]) * np.sign(axis[0]) * c.pixel_mm
    across = ((gx - c.cx) * axis[0] - (gy - c.cy) * axis[1]) * c.pixel_mm
    reach = np.abs(along[c.inside]).max()
    centre = rng.choice([-1, 1]) * rng.uniform(0.4, 0.8) * reach
    half = rng.uniform(12, 45)
    thick = rng.uniform(2, 7) * np.clip(1 - ((along - centre) / half) ** 2, 0, 1) ** 0.6
    side = rng.choice([-1, 1])
    band = (across * side > -0.5) & (across * side < thick) & (np.abs(along) > 0.2 * reach)
    return _soft(band & c.inside, c, rng)


def _sah(c: Cranium, smooth: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """Blood instead of CSF in sulci, fissures and cisterns of one neighbourhood."""
    local = cv2.GaussianBlur(smooth, (0, 0), 6 / c.pixel_mm)
    csf = c.inside & (smooth < np.minimum(local - 1.5, 26)) & (c.depth_mm > 1.0)
    ventricles = cv2.morphologyEx(
        (c.inside & (smooth < 16)).astype(np.uint8), cv2.MORPH_OPEN, _disc(4 / c.pixel_mm)
    )
    csf &= cv2.dilate(ventricles, _disc(3 / c.pixel_mm)) == 0
    ys, xs = np.nonzero(csf)
    if len(ys) < 40:
        return None
    pick = int(rng.integers(len(ys)))
    gy, gx = np.mgrid[: c.inside.shape[0], : c.inside.shape[1]].astype(np.float32)
    away = np.hypot(gy - ys[pick], gx - xs[pick]) * c.pixel_mm
    near = np.clip(1.5 - away / rng.uniform(10, 45), 0, 1)
    thicken = cv2.dilate(csf.astype(np.uint8), _disc(rng.uniform(0.3, 1.2) / c.pixel_mm))
    return _soft(thicken > 0, c, rng) * near


def _ivh(c: Cranium, smooth: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """Ventricles filled from below (posterior, the patient lies), or cast whole."""
    dark = (c.inside & (smooth < 17) & (c.depth_mm > 18)).astype(np.uint8)
    dark = cv2.morphologyEx(dark, cv2.MORPH_OPEN, _disc(2 / c.pixel_mm))
    count, parts, stats, _ = cv2.connectedComponentsWithStats(dark)
    large = [k for k in range(1, count) if stats[k, cv2.CC_STAT_AREA] * c.pixel_mm**2 > 60]
    if not large:
        return None
    chosen = [k for k in large if rng.random() < 0.7] or [large[0]]
    room = np.isin(parts, chosen)
    room = cv2.dilate(room.astype(np.uint8), _disc(1 / c.pixel_mm)) > 0
    ys = np.nonzero(room)[0]
    level = np.quantile(ys, rng.choice([0.0, rng.uniform(0.3, 0.9)]))
    gy = np.arange(c.inside.shape[0], dtype=np.float32)[:, None]
    return _soft(room & (gy >= level), c, rng)


def _iph(c: Cranium, _smooth: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """An irregular blob well inside the brain; sometimes several small ones (contusions)."""
    blob = np.zeros(c.inside.shape, bool)
    gy, gx = np.mgrid[: c.inside.shape[0], : c.inside.shape[1]].astype(np.float32)
    wave = cv2.GaussianBlur(rng.standard_normal(c.inside.shape).astype(np.float32), (0, 0), 7)
    wave /= wave.std() + 1e-6
    for _ in range(int(rng.choice([1, 1, 1, 2, 4]))):
        radius = float(rng.choice([rng.uniform(2, 6), rng.uniform(5, 20)])) / c.pixel_mm
        ys, xs = np.nonzero(c.inside & (c.depth_mm > min(radius * c.pixel_mm, 15) + 2))
        if len(ys) == 0:
            return None
        pick = int(rng.integers(len(ys)))
        turn, squeeze = rng.uniform(0, np.pi), rng.uniform(0.6, 1.0)
        u = (gx - xs[pick]) * np.cos(turn) + (gy - ys[pick]) * np.sin(turn)
        v = -(gx - xs[pick]) * np.sin(turn) + (gy - ys[pick]) * np.cos(turn)
        blob |= np.hypot(u, v / squeeze) < radius * (1 + 0.22 * wave)
    return _soft(blob & c.inside, c, rng)


def _disc(radius: float) -> np.ndarray:
    r = max(1, round(radius))
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * r + 1, 2 * r + 1))


_SHAPES = {"edh": _edh, "sdh": _sdh, "sah": _sah, "ivh": _ivh, "iph": _iph}
