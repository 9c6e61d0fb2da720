from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ich_cli.models.resample import Box, restore_box
from ich_cli.models.restore import MeanMasks, SoftMasks, restore_heat

BOX = Box(0, 64, 0, 64)


def soft(n: int = 3, of_slice: tuple[int, ...] = (0, 0, 1, 2), seed: int = 0) -> SoftMasks:
    probs = np.random.default_rng(seed).random((n, 6, 16, 16)).astype(np.float32)
    boxes = [Box(-3.0 * k, 60.0, 2.0 * k, 70.0) for k in range(n)]
    return SoftMasks(probs, boxes, of_slice, (64, 48))


def test_as_an_array_it_is_every_slice_restored_from_its_own_box() -> None:
    masks = soft()
    whole = np.asarray(masks)
    assert whole.shape == masks.shape == (4, 6, 64, 48)
    assert whole.dtype == masks.dtype == np.float32
    assert whole.ndim == masks.ndim
    for z, seen in enumerate(masks.of_slice):
        expected = restore_box(masks.probs[seen], masks.boxes[seen], (64, 48))
        np.testing.assert_allclose(whole[z], expected, atol=1e-6)


INDICES = [
    0,
    -1,
    np.int64(2),
    (1, 0),
    (1, slice(1, None)),
    (slice(None), 0),
    slice(1, 3),
    (slice(None, None, -1), slice(1, 3), slice(5, 9), 7),
    (np.array([2, 0]), 1),
    ...,
    (2, slice(1, None), np.arange(64) > 20, 3),
]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_it_is_indexed_like_the_array(index: Any) -> None:
    masks = soft()
    np.testing.assert_array_equal(masks[index], np.asarray(masks)[index])


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_the_mean_of_two_is_indexed_like_the_array(index: Any) -> None:
    one, other = soft(), soft(2, (0, 1, 1, 1), seed=1)
    masks = MeanMasks((one, other))
    whole = (np.asarray(one) + np.asarray(other)) / 2
    assert (masks.shape, masks.ndim, masks.dtype) == (whole.shape, 4, np.float32)
    np.testing.assert_allclose(np.asarray(masks), whole, atol=1e-6)
    assert masks[index].dtype == np.float32
    np.testing.assert_allclose(masks[index], whole[index], atol=1e-6)


def test_iterating_and_comparing_work_too() -> None:
    for masks in (soft(), MeanMasks((soft(), soft(seed=1)))):
        assert len(masks) == len(list(masks)) == 4
        assert (np.asarray(masks) >= 0.5).any()
        with pytest.raises(IndexError):
            masks[4]


def test_what_comes_out_cannot_spoil_what_comes_next() -> None:
    masks = soft()
    first = masks[0]
    with pytest.raises(ValueError, match="read-only"):
        first[:] = 7
    whole = np.asarray(masks)
    whole[:] = 7
    assert masks[0].max() <= 1


def test_a_clot_lands_where_it_was_seen() -> None:
    probs = np.zeros((1, 6, 16, 16), np.float32)
    probs[0, 2, 4:8, 8:12] = 0.9
    mask = SoftMasks(probs, [BOX], (0,), (64, 64))[0, 2]
    rows, columns = np.nonzero(mask > 0.45)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (16, 31, 32, 47)


def test_nothing_outside_the_box() -> None:
    ones = np.ones((1, 6, 8, 8), np.float32)
    mask = SoftMasks(ones, [Box(16, 48, 16, 48)], (0,), (64, 64))[0]
    assert mask[:, 32, 32] == pytest.approx(np.ones(6))
    assert not mask[:, :10].any()
    assert not mask[:, :, 54:].any()


def test_heat_is_scaled_over_the_whole_stack() -> None:
    cams = np.zeros((2, 8, 8), np.float32)
    cams[0], cams[1] = -3, 5
    heat = restore_heat(cams, [BOX, BOX], (0, 0, 1), (64, 64))
    assert heat.shape == (3, 64, 64)
    assert heat[:2].max() == 0
    assert heat[2, 32, 32] == pytest.approx(1)


def test_flat_heat_points_nowhere() -> None:
    assert not restore_heat(np.full((1, 8, 8), 7.0, np.float32), [BOX], (0,), (64, 64)).any()
