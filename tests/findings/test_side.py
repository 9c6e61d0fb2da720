"""A wrong side is the worst error this tool can make."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ich_cli.domain import Side, Subtype
from ich_cli.findings.coarse import coarse_head
from ich_cli.findings.lesions import points_of
from ich_cli.findings.midline import Midplane, find_midplane, settle_midplane
from ich_cli.findings.side import side_is_sure, side_of
from tests.findings.heads import AXIS_CODES, Ball, Scan, scan_head

SMALL = {"size": (32, 32, 32), "spacing_mm": (7.0, 7.0, 7.0)}

STRAIGHT = Midplane(np.array([1.0, 0.0, 0.0]), 0.0, 1.0)


def judged_side(volume, truth) -> Side | None:
    plane = find_midplane(coarse_head(volume))
    assert plane is not None
    blood = points_of(truth > 0, volume)
    return side_of(blood.points, blood.ml, plane)


@pytest.mark.parametrize("axes", AXIS_CODES, ids=str)
def test_the_side_is_the_patients_however_the_arrays_are_stored(axes) -> None:
    left = AXIS_CODES.index(axes) % 2 == 0
    ball = Ball(Subtype.IPH, (30.0 if left else -30.0, 8.0, 10.0), (14.0, 14.0, 14.0))
    volume, truth = scan_head(
        Scan(balls=[ball], axes=axes, turn_deg=(4, -6, 10), tilt_deg=9, **SMALL)
    )
    expected = Side.LEFT if left else Side.RIGHT
    assert judged_side(volume, truth) is expected


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    axes=st.sampled_from(AXIS_CODES),
    tilt=st.floats(-25, 25),
    pitch=st.floats(-20, 20),
    roll=st.floats(-15, 15),
    yaw=st.floats(-25, 25),
    shift=st.tuples(st.floats(-15, 15), st.floats(-15, 15), st.floats(-15, 15)),
    left=st.booleans(),
)
def test_no_tilt_turn_or_shift_changes_the_side(axes, tilt, pitch, roll, yaw, shift, left) -> None:
    sign = 1.0 if left else -1.0
    ball = Ball(Subtype.IPH, (sign * 25.0, 5.0, 20.0), (12.0, 14.0, 12.0))
    volume, truth = scan_head(
        Scan(balls=[ball], axes=axes, tilt_deg=tilt, turn_deg=(pitch, roll, yaw),
             shift_mm=shift, **SMALL)
    )  # fmt: skip
    assert judged_side(volume, truth) is (Side.LEFT if left else Side.RIGHT)


@pytest.mark.parametrize("turn", [(0, 0, 0), (10, 12, -20), (-8, -10, 30)])
def test_the_plane_follows_the_head(turn) -> None:
    volume, _ = scan_head(Scan(turn_deg=turn, shift_mm=(6.0, -4.0, 3.0)))
    plane = find_midplane(coarse_head(volume))
    assert plane is not None
    true = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()[:, 0]
    assert np.degrees(np.arccos(plane.normal @ true)) < 3.0
    assert abs(plane.left_mm(np.array([[6.0, -4.0, 3.0]]))[0]) < 2.0


@pytest.mark.parametrize(
    ("balls", "side"),
    [
        ([Ball(Subtype.IPH, (0.0, 25.0, -40.0), (12, 10, 10))], Side.MIDLINE),
        (
            [
                Ball(Subtype.SDH, (60.0, 0.0, 10.0), (6, 30, 20)),
                Ball(Subtype.SDH, (-60.0, 0.0, 10.0), (6, 25, 20)),
            ],
            Side.BILATERAL,
        ),
        (
            [
                Ball(Subtype.IPH, (30.0, 0.0, 10.0), (18, 18, 18)),
                Ball(Subtype.SAH, (-50.0, 0.0, 10.0), (5, 5, 6)),
            ],
            Side.LEFT,
        ),
        ([Ball(Subtype.SDH, (-5.0, -20.0, 45.0), (4.0, 30.0, 15.0))], Side.RIGHT),
    ],
    ids=["midline", "both", "a trace on the other side", "along the falx"],
)
def test_midline_and_bilateral(balls, side: Side) -> None:
    volume, truth = scan_head(Scan(balls=balls))
    assert judged_side(volume, truth) is side


@pytest.mark.parametrize(
    ("balls", "sure"),
    [
        ([Ball(Subtype.IPH, (30.0, 8.0, 10.0), (14, 14, 14))], True),
        ([Ball(Subtype.IPH, (0.0, 25.0, -40.0), (12, 10, 10))], True),
        ([Ball(Subtype.SDH, (-2.5, -20.0, 45.0), (2.0, 30.0, 15.0))], False),
        ([Ball(Subtype.IPH, (6.0, 20.0, -20.0), (10, 12, 10))], False),
    ],
    ids=["well to one side", "astride the middle", "a thin layer at the falx", "beside the middle"],
)
def test_a_side_that_hangs_on_two_millimetres_is_not_sure(balls, sure: bool) -> None:
    volume, truth = scan_head(Scan(balls=balls, size=(60, 80, 80), spacing_mm=(2.5, 3.0, 3.0)))
    blood = points_of(truth > 0, volume)
    assert side_is_sure(blood.points, blood.ml, STRAIGHT) is sure


def test_a_false_best_plane_is_left_for_the_templates_middle() -> None:
    volume, _ = scan_head(Scan(turn_deg=(0, 0, 8)))
    head = coarse_head(volume)
    turned = Rotation.from_euler("z", 8, degrees=True).as_matrix()[:, 0]
    astray = Midplane(np.array([1.0, 0.0, 0.0]), 6.0, 0.5)
    settled = settle_midplane(head, astray, Midplane(turned, 1.0, 0.9))
    assert np.degrees(np.arccos(settled.normal @ turned)) < 2.0
    assert settled.symmetry > astray.symmetry
    assert settle_midplane(head, settled, astray).symmetry >= settled.symmetry


def test_there_is_no_plane_without_a_head() -> None:
    volume, _ = scan_head(Scan(size=(4, 30, 30), spacing_mm=(5, 1, 1), shift_mm=(500, 0, 0)))
    empty = volume.hu * 0 - 1000
    volume.hu[:] = empty
    assert find_midplane(coarse_head(volume)) is None
