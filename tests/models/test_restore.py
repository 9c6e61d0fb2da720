from __future__ import annotations

import numpy as np
import pytest

from ich_cli.models.resample import Box
from ich_cli.models.restore import MASK_FLOOR, empty_masks, restore_heat, write_mask

BOX = Box(0, 64, 0, 64)


def test_a_mask_lands_on_the_slices_it_stands_for_and_on_no_other() -> None:
    masks = empty_masks((5, 64, 64))
    probs = np.zeros((6, 16, 16), np.float32)
    probs[2, 4:8, 8:12] = 0.9
    write_mask(masks, 1, 4, probs, BOX)
    assert masks.shape == (5, 6, 64, 64)
    assert masks.dtype == np.float32
    np.testing.assert_array_equal(np.unique(np.nonzero(masks)[0]), [1, 2, 3])
    np.testing.assert_array_equal(np.unique(np.nonzero(masks)[1]), [2])
    rows, columns = np.nonzero(masks[1, 2] > 0.45)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (16, 31, 32, 47)


def test_probabilities_stay_within_0_and_1_and_the_faintest_become_0() -> None:
    masks = empty_masks((1, 64, 64))
    probs = np.random.default_rng(0).random((6, 16, 16)).astype(np.float32)
    probs[3] = MASK_FLOOR / 2
    write_mask(masks, 0, 1, probs, BOX)
    assert masks.min() == 0
    assert masks.max() <= 1
    assert not masks[0, 3].any()
    assert not ((masks > 0) & (masks < MASK_FLOOR)).any()


def test_nothing_outside_the_box() -> None:
    masks = empty_masks((1, 64, 64))
    write_mask(masks, 0, 1, np.ones((6, 8, 8), np.float32), Box(16, 48, 16, 48))
    assert masks[0, :, 32, 32] == pytest.approx(1.0)
    assert not masks[0, :, :10].any()
    assert not masks[0, :, :, 54:].any()


def test_heat_is_scaled_over_the_whole_stack() -> None:
    cams = np.zeros((2, 8, 8), np.float32)
    cams[0], cams[1] = -3, 5
    heat = restore_heat(cams, [BOX, BOX], (0, 0, 1), (64, 64))
    assert heat.shape == (3, 64, 64)
    assert heat[:2].max() == 0
    assert heat[2, 32, 32] == pytest.approx(1)


def test_flat_heat_points_nowhere() -> None:
    assert not restore_heat(np.full((1, 8, 8), 7.0, np.float32), [BOX], (0,), (64, 64)).any()
