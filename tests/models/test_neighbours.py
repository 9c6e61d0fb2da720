from __future__ import annotations

import numpy as np
import pytest

from ich_cli.models.neighbours import lean_on_neighbours


def stack(*logits: float) -> np.ndarray:
    """``(z, 6)`` with the same logits for every label."""
    return np.repeat(np.array(logits, np.float32)[:, None], 6, 1)


def test_a_slice_is_averaged_with_the_slices_beside_it() -> None:
    got = lean_on_neighbours(stack(0, 6, 3), 1, 0.5)
    np.testing.assert_allclose(got[1], [(6 + 0.5 * 3) / 2] * 6)


def test_an_odd_slice_counts_less_than_one_of_several() -> None:
    alone = lean_on_neighbours(stack(-4, -4, 5, -4, -4), 1, 0.2)
    several = lean_on_neighbours(stack(-4, 5, 5, 5, -4), 1, 0.2)
    assert alone[2, 0] < several[2, 0] == pytest.approx(5)


def test_neighbours_may_be_further_away_than_the_adjacent_slice() -> None:
    got = lean_on_neighbours(stack(8, 0, 0, 0, 4), 2, 0.25)
    assert got[2, 0] == pytest.approx(0.25 * 12 / 1.5)


def test_labels_do_not_mix() -> None:
    logits = np.zeros((3, 6), np.float32)
    logits[:, 2] = 7
    got = lean_on_neighbours(logits, 1, 0.3)
    np.testing.assert_allclose(got, logits)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_order_does_not_matter_and_a_lone_slice_stays_as_it_is(count: int) -> None:
    logits = stack(*[1.0, -3.0, 2.0][:count])
    got = lean_on_neighbours(logits, 2, 0.4)
    np.testing.assert_allclose(lean_on_neighbours(logits[::-1], 2, 0.4), got[::-1])
    if count == 1:
        np.testing.assert_allclose(got, logits)
