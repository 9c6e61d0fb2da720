from __future__ import annotations

import numpy as np
import pytest

from ich_cli.models.resample import Box, resample_box, restore_box


def gradient(rows: int, cols: int) -> np.ndarray:
    y, x = np.mgrid[:rows, :cols].astype(np.float32)
    return 3 * y + 5 * x


def test_the_whole_image_at_its_own_size_is_itself() -> None:
    image = gradient(20, 30)
    np.testing.assert_allclose(resample_box(image, Box(0, 20, 0, 30), (20, 30)), image, atol=1e-4)


def test_enlarging_interpolates_linearly_between_pixel_centres() -> None:
    image = gradient(16, 16)
    twice = resample_box(image, Box(4, 12, 4, 12), (16, 16))
    y, x = 4 + (np.mgrid[:16, :16] + 0.5) / 2 - 0.5
    np.testing.assert_allclose(twice, 3 * y + 5 * x, atol=1e-3)


def test_shrinking_averages_so_that_noise_falls() -> None:
    noise = np.random.default_rng(0).normal(0, 1, (128, 128)).astype(np.float32)
    small = resample_box(noise, Box(0, 128, 0, 128), (32, 32))
    assert small.std() < 0.25


@pytest.mark.parametrize("fill", [0.0, -1000.0])
def test_outside_the_image_is_the_fill_value(fill: float) -> None:
    image = np.full((10, 10), 7.0, np.float32)
    out = resample_box(image, Box(-10, 20, -10, 20), (30, 30), fill)
    assert out[0, 0] == pytest.approx(fill)
    assert out[15, 15] == pytest.approx(7.0)


def test_restoring_puts_a_shape_back_where_it_was() -> None:
    box = Box(30.5, 90.5, 12.25, 72.25)
    y, x = np.mgrid[:128, :128]
    blob = np.exp(-((y - 60) ** 2 + (x - 40) ** 2) / 60).astype(np.float32)
    back = restore_box(resample_box(blob, box, (64, 64)), box, (128, 128))
    assert np.abs(back - blob).max() < 0.06
    peak = np.unravel_index(back.argmax(), back.shape)
    assert abs(int(peak[0]) - 60) <= 1
    assert abs(int(peak[1]) - 40) <= 1
    assert back[:25].max() == 0


def test_restoring_keeps_the_area_of_a_mask() -> None:
    box = Box(-3.0, 131.0, -3.0, 131.0)
    mask = np.zeros((56, 56), np.float32)
    mask[20:30, 25:45] = 1
    back = restore_box(mask, box, (128, 128))
    assert back.sum() == pytest.approx(mask.sum() * (134 / 56) ** 2, rel=1e-3)


def test_leading_axes_are_carried_along() -> None:
    stack = np.random.default_rng(1).random((2, 3, 40, 50)).astype(np.float32)
    box = Box(5, 35, -4, 30)
    out = resample_box(stack, box, (24, 16))
    assert out.shape == (2, 3, 24, 16)
    np.testing.assert_allclose(out[1, 2], resample_box(stack[1, 2], box, (24, 16)), atol=1e-5)


def test_a_box_beside_the_image_sees_the_fill_value_alone() -> None:
    image = np.full((10, 10), 7.0, np.float32)
    out = resample_box(image, Box(100, 120, 0, 10), (5, 5), -1000.0)
    np.testing.assert_array_equal(out, np.full((5, 5), -1000.0))
