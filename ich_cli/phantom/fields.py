"""The arithmetic of shapes: signed distances, their partial volume, smooth random waves.

Distances are in millimetres, negative inside. Coordinates may be of any shapes that
broadcast against each other, so a coordinate that is constant along a row costs a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.floating[Any]]
Point: TypeAlias = tuple[float, float, float]


FAR_MM = 12.0
"""Beyond this distance an ellipsoid is only said to be far."""


@dataclass(frozen=True, slots=True)
class Points:
    """Where to look, in millimetres of the head's own LPS frame (x left, y back, z up)."""

    x: Array
    y: Array
    z: Array

    @property
    def lateral(self) -> Array:
        """Distance from the midline, on either side."""
        return np.asarray(np.abs(self.x))

    @property
    def separable(self) -> bool:
        """Whether x differs by column alone, y and z by row alone."""
        return (self.x.shape[0], self.y.shape[1], self.z.shape[1]) == (1, 1, 1)

    def part(self, rows: slice, columns: slice) -> Points:
        """The points of some rows and columns."""

        def cut(array: Array) -> Array:
            high, wide = array.shape
            return array[rows if high > 1 else slice(None), columns if wide > 1 else slice(None)]

        return Points(cut(self.x), cut(self.y), cut(self.z))


def coverage(distance: Array, width_mm: float) -> Array:
    """Share of a voxel inside a shape, from the signed distance of its centre.

    Args:
        distance: Signed, negative inside.
        width_mm: Length over which the edge rises from 0 to 1.
    """
    return np.asarray(np.clip(np.float32(0.5) - distance * np.float32(1 / width_mm), 0.0, 1.0))


def paint(hu: Array, value: float | Array, share: Array) -> None:
    """Replace a share of what is in ``hu`` by ``value``, in place."""
    if share.any():
        hu += share * (value - hu)


def union(*distances: Array) -> Array:
    """Inside any of the shapes."""
    return reduce(np.minimum, distances)


def common(*distances: Array) -> Array:
    """Inside all of the shapes."""
    return reduce(np.maximum, distances)


def ellipsoid(points: Points, centre: Point, radii: Point, *, mirrored: bool = False) -> Array:
    """Signed distance to an ellipsoid, exact at its surface to first order.

    Farther than ``FAR_MM`` outside its bounding box it is only said to be far, which makes
    small shapes cheap.

    Args:
        points: Where.
        centre: Its middle; with ``mirrored`` the one on the left, and its twin on the right.
        radii: Half-axes.
        mirrored: Both sides.
    """
    x = (points.lateral if mirrored else points.x) - np.float32(centre[0])
    y, z = points.y - np.float32(centre[1]), points.z - np.float32(centre[2])
    if not points.separable:
        return _ellipsoid(x, y, z, radii)
    near_rows = (np.abs(y) < radii[1] + FAR_MM) & (np.abs(z) < radii[2] + FAR_MM)
    rows, columns = _span(near_rows[:, 0]), _span((np.abs(x) < radii[0] + FAR_MM)[0])
    if rows is None or columns is None:
        return np.full((1, 1), FAR_MM, np.float32)
    distance = np.full((len(near_rows), x.shape[1]), FAR_MM, np.float32)
    distance[rows, columns] = _ellipsoid(x[:, columns], y[rows], z[rows], radii)
    return distance


def _ellipsoid(x: Array, y: Array, z: Array, radii: Point) -> Array:
    a, b, c = (np.float32(1.0 / r) for r in radii)
    u2, v2, w2 = (x * a) ** 2, (y * b) ** 2, (z * c) ** 2
    norm = np.sqrt(u2 + (v2 + w2)) + np.float32(1e-4)
    slope = np.sqrt(u2 * (a * a) + (v2 * (b * b) + w2 * (c * c))) + np.float32(1e-6)
    return np.asarray(norm * (norm - 1) / slope, np.float32)


def _span(near: NDArray[np.bool_]) -> slice | None:
    """From the first to the last that is near."""
    at = np.flatnonzero(near)
    return slice(int(at[0]), int(at[-1]) + 1) if len(at) else None


def step(value: Array, at: float, width: float) -> Array:
    """A smooth rise from 0 to 1 around ``at``."""
    t: Array = np.clip((value - np.float32(at - width / 2)) / np.float32(width), 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def curve(value: Array, knots: tuple[tuple[float, float], ...]) -> Array:
    """Piecewise linear function through ``knots`` of (position, value)."""
    at, values = zip(*knots, strict=True)
    return np.asarray(np.interp(value, at, values), np.float32)


@dataclass(frozen=True, slots=True)
class Waves:
    """A band-limited random field: plane waves of nearly one length in random directions."""

    k: NDArray[np.float32]
    phase: NDArray[np.float32]

    def value(self, points: Points) -> Array:
        """The field: mean 0, standard deviation 1."""
        scale = np.float32(np.sqrt(2.0 / len(self.phase)))
        if points.separable:
            # cos(a + b) with a by column and b by row is a product of two small matrices.
            a = self.k[:, :1] * points.x
            b = (points.y * self.k[:, 1] + points.z * self.k[:, 2] + self.phase) * np.float32(1)
            rows = np.concatenate([np.cos(b), -np.sin(b)], axis=1)
            return np.asarray(scale * (rows @ np.concatenate([np.cos(a), np.sin(a)])), np.float32)
        total = reduce(np.add, (np.cos(angle) for angle in self._angles(points)))
        return np.asarray(total * scale, np.float32)

    def stripes(self, points: Points) -> Array:
        """Distance in millimetres from the folds, the field's zero surfaces."""
        even = odd = np.float32(0.0)
        for angle in self._angles(points):
            even = even + np.cos(angle)
            odd = odd + np.sin(angle)
        folded = np.abs(even) / (np.sqrt(even * even + odd * odd) + np.float32(0.15))
        length = np.sqrt((self.k**2).sum(axis=1)).mean()
        return np.asarray(np.arcsin(folded) / length, np.float32)

    def _angles(self, points: Points) -> list[Array]:
        return [
            points.x * k[0] + (points.y * k[1] + points.z * k[2] + phase)
            for k, phase in zip(self.k, self.phase, strict=True)
        ]


def waves(rng: np.random.Generator, length_mm: float, count: int = 8, spread: float = 0.2) -> Waves:
    """Draw a random field.

    Args:
        rng: Source of randomness.
        length_mm: Wave length.
        count: Number of plane waves.
        spread: Relative range of the wave lengths.
    """
    direction = rng.normal(size=(count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    number = 2 * np.pi / (length_mm * rng.uniform(1 - spread, 1 + spread, size=(count, 1)))
    phase = rng.uniform(0, 2 * np.pi, size=count)
    return Waves((direction * number).astype(np.float32), phase.astype(np.float32))
