"""A·B·C/2 after Kothari."""

from __future__ import annotations

import numpy as np
import pytest

from ich_cli.findings.abc2 import abc2


def ellipsoid(a: float, b: float, c: float, turn: float = 0.0) -> np.ndarray:
    z, y, x = np.mgrid[-30:31:5, -40:41, -40:41].astype(float)
    u, v = x * np.cos(turn) + y * np.sin(turn), -x * np.sin(turn) + y * np.cos(turn)
    return (u / (a / 2)) ** 2 + (v / (b / 2)) ** 2 + (z / (c / 2)) ** 2 <= 1.0


@pytest.mark.parametrize("turn", [0.0, 0.6, 2.0])
def test_an_ellipsoid_has_its_own_axes_whichever_way_it_is_turned(turn: float) -> None:
    shape = abc2(ellipsoid(50, 30, 40, turn), (1.0, 1.0), np.full(13, 5.0))
    assert shape is not None
    assert shape.a_mm == pytest.approx(50, abs=2.5)
    assert shape.b_mm == pytest.approx(30, abs=2.5)
    assert shape.slice_index == 6


def test_slices_count_fully_by_half_or_not_at_all() -> None:
    mask = np.zeros((5, 30, 30), bool)
    for z, side in enumerate((4, 12, 20, 19, 8)):
        mask[z, :side, :side] = True
    shape = abc2(mask, (1.0, 1.0), np.full(5, 5.0))
    assert shape is not None
    # Shares of the largest area: 0.04, 0.36, 1, 0.90, 0.16.
    assert shape.c_mm == pytest.approx(0.5 * 5 + 5 + 5)


def test_a_bleed_that_is_no_ellipsoid_gets_no_estimate() -> None:
    mask = np.zeros((3, 60, 60), bool)
    mask[1, 5:55, 5:12] = True
    mask[1, 48:55, 5:55] = True
    assert abc2(mask, (1.0, 1.0), np.full(3, 5.0)) is None
    assert abc2(np.zeros((3, 9, 9), bool), (1, 1), np.full(3, 5.0)) is None
    line = np.zeros((1, 9, 9), bool)
    line[0, 4, :7] = True
    assert abc2(line, (1.0, 1.0), np.full(1, 5.0)) is not None
