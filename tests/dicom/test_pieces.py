from __future__ import annotations

import math
from dataclasses import replace

import pytest

from ich_cli.dicom.pieces import goes_on_from, stretch_of
from ich_cli.domain import Series
from tests.dicom.ct_files import instance


def stack(low: float, high: float, **changes: object) -> Series:
    return Series("study", "a", 0, tuple(instance(str(z), z, **changes) for z in (low, high)))


VERTEX = stack(50, 130)


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (0, 45, True),
        (135, 180, True),
        (0, 60, True),
        (0, 30, True),
        (0, 20, False),
        (50, 130, False),
        (60, 120, False),
        (20, 120, False),
        (46, 46, False),
    ],
)
def test_a_piece_lies_beside_the_others_and_for_the_most_part_beyond_them(low, high, told):
    assert goes_on_from(stack(low, high), [VERTEX]) is told


def test_a_piece_that_is_taken_is_not_taken_again():
    assert not goes_on_from(stack(0, 45), [VERTEX, stack(0, 40)])


def test_what_lies_nowhere_is_no_piece():
    nowhere = stack(0, 45, position_mm=None)
    assert not goes_on_from(nowhere, [VERTEX])
    assert not goes_on_from(stack(0, 45), [nowhere])


def test_a_tilted_stack_lies_where_its_middle_is():
    lean = math.radians(20)
    tilted = (1.0, 0.0, 0.0, 0.0, math.cos(lean), -math.sin(lean))
    across = 511 / 2 * 0.5
    level = stretch_of(stack(0, 45))
    leaning = stretch_of(stack(0, 45, orientation=tilted))
    assert level == (0, 45)
    assert leaning == pytest.approx((-across * math.sin(lean), 45 - across * math.sin(lean)))


def test_frames_of_one_file_are_not_placed():
    one = stack(0, 45)
    assert stretch_of(replace(one, instances=(replace(one.first, frames=30),))) is None
