from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ich_cli.dicom.geometry import (
    arrange,
    canonicalise,
    find_gaps,
    is_shifted,
    slice_lengths,
    tilt_degrees,
    unit_normal,
    unseen_mm,
)

AXES = np.eye(3)
ORIENTATIONS = [
    (row_sign * AXES[row], column_sign * AXES[column], stack_sign)
    for row, column in itertools.permutations(range(3), 2)
    for row_sign, column_sign, stack_sign in itertools.product((1, -1), repeat=3)
]


def lean(degrees: float) -> np.ndarray:
    """Rotation about the left-right axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[1, 0, 0], [0, c, s], [0, -s, c]])


def field(points: np.ndarray) -> np.ndarray:
    """A different value for every place."""
    return np.sin(points @ [0.013, 0.029, 0.047]) * 100 + points @ [1.0, 0.37, 0.11]


def sample(row, column, starts, shape, pixel_mm) -> np.ndarray:
    """Values of the field on planes that start at ``starts``."""
    i = np.arange(shape[0])[:, None, None] * pixel_mm[0] * column
    j = np.arange(shape[1])[None, :, None] * pixel_mm[1] * row
    return np.stack([field(start + i + j) for start in starts]).astype(np.float32)


def test_there_are_48_orientations():
    assert len(ORIENTATIONS) == 48


@settings(max_examples=50, deadline=None)
@given(
    case=st.sampled_from(ORIENTATIONS),
    degrees=st.floats(-25, 25),
    step=st.floats(0.6, 6),
    seed=st.integers(0, 1000),
)
def test_any_orientation_gives_the_same_physical_volume(case, degrees, step, seed):
    row, column, sign = case
    row, column = lean(degrees) @ row, lean(degrees) @ column
    normal = np.cross(row, column) * sign
    starts = np.array([10.0, -20.0, 30.0]) + np.arange(5)[:, None] * normal * step
    orientation = (*row, *column)
    shuffled = np.random.default_rng(seed).permutation(5)

    placed = arrange(starts[shuffled], orientation)
    ordered = starts[shuffled][list(placed.order)]
    stack = sample(row, column, ordered, (7, 6), (0.8, 1.1))
    turned = canonicalise(stack, ordered, orientation, (0.8, 1.1))

    z, y, x = np.meshgrid(*(np.arange(n) for n in turned.array.shape), indexing="ij")
    index = np.stack([x, y, z, np.ones_like(x)], axis=-1)
    where = (index @ turned.affine.T)[..., :3]
    np.testing.assert_allclose(turned.array, field(where), atol=1e-3)
    assert sorted(turned.spacing_mm) == pytest.approx(sorted((step, 0.8, 1.1)))
    np.testing.assert_allclose(turned.positions_mm, where[:, 0, 0], atol=1e-6)
    assert (np.diag(turned.affine)[:3] > 0).all(), "x to the left, y to the back, z up"
    np.testing.assert_allclose(np.linalg.norm(turned.affine[:3, :3], axis=0)[::-1],
                               turned.spacing_mm, rtol=1e-6)  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(
    degrees=st.floats(-30, 30),
    mirrored=st.booleans(),
    steps=st.lists(st.floats(1.0, 4.0), min_size=40, max_size=40),
)
def test_an_ellipsoid_keeps_its_millilitres_tilted_and_unevenly_sliced(degrees, mirrored, steps):
    """A gantry's slices: leaning planes on a table that moves along z."""
    row = np.array([-1.0 if mirrored else 1.0, 0, 0])
    column = lean(degrees) @ AXES[1]
    orientation = (*row, *column)
    normal = unit_normal(orientation)
    starts = np.array([-40.0 * row[0], -60.0, -35.0]) + np.cumsum(steps)[:, None] / normal[2] * [
        0, 0, 1,
    ]  # fmt: skip
    i = np.arange(121)[:, None, None] * column
    j = np.arange(81)[None, :, None] * row
    points = starts[:, None, None, :] + i[None] + j[None]
    middle = starts[20] + 60 * column + 40 * row
    half = np.array([20.0, 25.0, 22.0])
    inside = (((points - middle) / half) ** 2).sum(axis=-1) <= 1

    placed = arrange(starts, orientation)
    turned = canonicalise(inside.astype(np.float32), starts, orientation, (1.0, 1.0))
    area = turned.spacing_mm[1] * turned.spacing_mm[2]
    ml = float((turned.array.sum(axis=(1, 2)) * slice_lengths(placed.along_mm)).sum()) * area / 1000

    assert ml == pytest.approx(4 / 3 * np.pi * half.prod() / 1000, rel=0.03)
    assert tilt_degrees(orientation) == pytest.approx(degrees, abs=1e-6)


def test_the_patients_left_ends_on_the_high_side_of_x():
    """Columns that run from left to right are mirrored back."""
    stack = np.zeros((2, 3, 4), np.float32)
    stack[:, :, 0] = 1
    turned = canonicalise(
        stack, np.array([[90.0, 0, 0], [90.0, 0, 5]]), (-1, 0, 0, 0, 1, 0), (1, 1)
    )
    assert turned.array[0, 0].tolist() == [0, 0, 0, 1]
    assert turned.positions_mm[0].tolist() == [87.0, 0, 0]


def test_a_tilt_is_positive_when_the_front_lies_nearer_to_the_vertex():
    assert tilt_degrees((1, 0, 0, 0, 0.990268, -0.139173)) == pytest.approx(8.0, abs=0.01)
    assert tilt_degrees((1, 0, 0, 0, 0.990268, 0.139173)) == pytest.approx(-8.0, abs=0.01)
    assert tilt_degrees((1, 0, 0, 0, 1, 0)) == 0.0
    assert tilt_degrees((-1, 0, 0, 0, 0.990268, -0.139173)) == pytest.approx(8.0, abs=0.01)


def test_planes_at_one_place_are_put_together():
    placed = arrange(np.array([[0, 0, 5.0], [0, 0, 0], [0, 0, 5.01]]), (1, 0, 0, 0, 1, 0))
    assert placed.places == ((1,), (0, 2))
    assert (placed.order, placed.n_repeats) == ((1, 0), 1)


def test_a_missing_slice_is_a_gap():
    assert [(gap.index, gap.mm) for gap in find_gaps(np.array([5.0, 5.0, 10.0, 5.0]))] == [
        (2, 10.0)
    ]
    assert [gap.index for gap in find_gaps(np.array([5.0, 5.0, 10.0]))] == [2]


def test_going_over_from_thin_to_thick_slices_is_no_gap():
    assert find_gaps(np.array([2.5] * 5 + [5.0] * 5)) == ()


@pytest.mark.parametrize(
    ("places", "n_lost", "mm"),
    [
        ([0, 5, 10, 20, 25], 0, 0.0),
        ([0, 5, 10, 20, 25], 1, 5.0),
        ([0, 5, 10, 15, 20], 3, 15.0),
        ([0, 5, 10, 20, 25], 3, 10.0),
        ([0, 1, 3, 4, 5, 7, 8], 2, 1.0),
        ([0, 2, 4, 6, 11, 16], 1, 5.0),
    ],
    ids=[
        "a scan made with a gap",
        "one slice from the middle",
        "three from an end",
        "one from the middle, two from an end",
        "thin slices, far apart",
        "one from the thick end",
    ],
)
def test_the_stretch_that_lost_slices_leave_unseen(places, n_lost, mm):
    positions = np.array([(0.0, 0.0, z) for z in places])
    assert unseen_mm(arrange(positions, (1, 0, 0, 0, 1, 0)), n_lost) == mm


def test_slice_lengths_reach_half_way_to_the_neighbours():
    assert slice_lengths(np.array([0.0, 2, 4, 9])).tolist() == [2, 2, 3.5, 3.5]


def test_slice_lengths_do_not_reach_out_as_far_as_a_gap_reaches_in():
    assert slice_lengths(np.array([0.0, 5, 10, 20]))[-1] == 7.5


def test_slices_displaced_in_their_plane_are_noticed():
    straight = np.array([[0.0, 0, z] for z in range(6)])
    bent = straight + np.array([[5.0 * (z > 3), 0, 0] for z in range(6)])
    places = straight[:, 2]
    assert not is_shifted(straight, places)
    assert is_shifted(bent, places)
