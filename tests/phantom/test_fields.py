"""Signed distances and random waves."""

from __future__ import annotations

import numpy as np
import pytest

from ich_cli.phantom.fields import Points, common, coverage, ellipsoid, paint, step, union, waves


def grid(z: float = 0.0, n: int = 101) -> Points:
    axis = np.linspace(-50, 50, n, dtype=np.float32)
    return Points(axis[None], axis[:, None], np.full((n, 1), z, np.float32))


def dense(p: Points) -> Points:
    shape = np.broadcast_shapes(p.x.shape, p.y.shape, p.z.shape)
    return Points(*(np.broadcast_to(a, shape).copy() for a in (p.x, p.y, p.z)))


def test_sphere_distance_is_the_distance() -> None:
    p = grid()
    distance = ellipsoid(p, (5, -3, 0), (12, 12, 12))
    exact = np.sqrt((p.x - 5) ** 2 + (p.y + 3) ** 2) - 12
    near = np.abs(exact) < 8
    assert np.abs(distance - exact)[near].max() < 0.01


def test_area_of_an_ellipse_is_met_by_partial_volume() -> None:
    share = coverage(ellipsoid(grid(), (0.3, 0.2, 0), (20, 11, 9)), 1.0)
    assert share.sum() == pytest.approx(np.pi * 20 * 11, rel=0.01)


def test_mirrored_shape_is_on_both_sides() -> None:
    share = coverage(ellipsoid(grid(), (20, 0, 0), (5, 5, 5), mirrored=True), 1.0)
    assert np.allclose(share, share[:, ::-1], atol=1e-4)
    assert share[50, 70] == share[50, 30] == 1.0


def test_shape_far_from_the_slice_covers_nothing() -> None:
    assert coverage(ellipsoid(grid(z=40), (0, 0, 0), (9, 9, 9)), 1.0).max() == 0


def test_sets_of_shapes() -> None:
    a, b = np.array([-1.0, 2.0]), np.array([3.0, -4.0])
    assert union(a, b).tolist() == [-1.0, -4.0]
    assert common(a, b).tolist() == [3.0, 2.0]


def test_paint_mixes_by_share() -> None:
    hu = np.array([0.0, 100.0], np.float32)
    paint(hu, 50.0, np.array([1.0, 0.5], np.float32))
    assert hu.tolist() == [50.0, 75.0]


def test_step_rises_smoothly() -> None:
    values = step(np.array([-2.0, 0.0, 2.0], np.float32), 0.0, 2.0)
    assert values.tolist() == [0.0, 0.5, 1.0]


def test_waves_are_the_same_however_the_points_are_given() -> None:
    field = waves(np.random.default_rng(1), 20.0)
    p = grid(z=7.0)
    assert np.allclose(field.value(p), field.value(dense(p)), atol=1e-3)


def test_waves_have_unit_spread_and_folds_at_their_zeros() -> None:
    field = waves(np.random.default_rng(2), 15.0, count=12)
    p = grid()
    value = field.value(p)
    assert value.std() == pytest.approx(1.0, abs=0.25)
    assert np.abs(value[field.stripes(p) < 0.15]).max() < 0.5
