from __future__ import annotations

import numpy as np
import pytest

from ich_cli.models.edges import Edges, follow_edges
from ich_cli.models.resample import Box, resample_box

CLOT = np.s_[20:45, 23:41]


def head(noise_hu: float = 2.0) -> np.ndarray:
    """64 pixels of brain with a clot of sharp edges."""
    hu = np.random.default_rng(0).normal(32, noise_hu, (64, 64)).astype(np.float32)
    hu[CLOT] += 30
    return hu


def coarse(where: tuple[slice, slice]) -> np.ndarray:
    """``(1, 16, 16)`` mask of ``where``, as a network that sees four pixels as one draws it."""
    mask = np.zeros((1, 64, 64), np.float32)
    mask[0][where] = 1.0
    return resample_box(mask, Box(0, 64, 0, 64), (16, 16))


def dice(mask: np.ndarray) -> float:
    truth = np.zeros((64, 64), bool)
    truth[CLOT] = True
    called = mask >= 0.5
    return float(2 * (called & truth).sum() / (called.sum() + truth.sum()))


def test_a_mask_ends_where_the_blood_does() -> None:
    mask = coarse(CLOT)
    plain = resample_box(mask, Box(0, 16, 0, 16), (64, 64))[0]
    followed = follow_edges(mask, head(), 4)[0]
    assert 1 - dice(followed) < 0.5 * (1 - dice(plain))


def test_a_mask_that_is_a_little_beside_the_blood_moves_to_it() -> None:
    mask = coarse(np.s_[18:43, 25:43])
    assert dice(follow_edges(mask, head(), 4)[0]) > dice(
        resample_box(mask, Box(0, 16, 0, 16), (64, 64))[0]
    )


def test_where_the_picture_is_flat_only_the_grid_gets_finer() -> None:
    mask = coarse(CLOT)
    plain = resample_box(mask, Box(0, 16, 0, 16), (64, 64))
    flat = follow_edges(mask, np.full((64, 64), 30, np.float32), 1)
    np.testing.assert_allclose(flat, plain, atol=0.2)
    assert abs(flat - plain).mean() < 0.01


def test_bright_things_elsewhere_stay_without_a_mask() -> None:
    hu = head()
    hu[50:60, 50:60] = 80
    assert follow_edges(coarse(CLOT), hu, 4)[0, 52:58, 52:58].max() == pytest.approx(0, abs=1e-6)


def test_no_pixel_goes_beyond_what_the_mask_says_nearby() -> None:
    hu = head()
    hu[CLOT[0], 41:44] = 80  # bone beside the clot
    mask = coarse(CLOT) * 0.7
    followed = follow_edges(mask, hu, 4)
    assert followed.min() >= 0
    assert followed.max() <= mask.max() + 1e-6


def test_the_reach_is_in_millimetres_whatever_the_size_of_the_head() -> None:
    shown = [head(), head()]
    boxes = [Box(0, 400, 0, 400), Box(0, 200, 0, 200)]
    edges = Edges.of(shown, boxes, 0.5, 3.0)
    assert edges.reach_px == pytest.approx((3.0 * 64 / 200, 3.0 * 64 / 100))
    assert edges.follow(coarse(CLOT), 1).shape == (1, 64, 64)
