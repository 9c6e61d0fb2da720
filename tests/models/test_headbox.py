from __future__ import annotations

import numpy as np
import pytest

from ich_cli.models.headbox import MARGIN, MIN_SIDE_MM, head_box


def ellipse(shape: tuple[int, int], centre: tuple[int, int], radii: tuple[int, int]) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    inside = ((y - centre[0]) / radii[0]) ** 2 + ((x - centre[1]) / radii[1]) ** 2 <= 1
    return np.where(inside, 35.0, -1000.0).astype(np.float32)


def test_the_box_is_a_square_around_the_head_with_a_margin() -> None:
    box = head_box(ellipse((512, 512), (260, 240), (200, 150)), (0.5, 0.5))
    assert box.y1 - box.y0 == pytest.approx(box.x1 - box.x0)
    assert box.y1 - box.y0 == pytest.approx(400 * MARGIN, rel=0.04)
    assert (box.y0 + box.y1) / 2 == pytest.approx(260, abs=5)
    assert (box.x0 + box.x1) / 2 == pytest.approx(240, abs=5)


def test_the_square_is_square_in_millimetres() -> None:
    box = head_box(ellipse((256, 512), (128, 256), (90, 160)), (1.0, 0.5))
    assert (box.y1 - box.y0) * 1.0 == pytest.approx((box.x1 - box.x0) * 0.5)


def test_a_vertex_slice_is_not_blown_up() -> None:
    box = head_box(ellipse((512, 512), (256, 256), (30, 30)), (0.5, 0.5))
    assert (box.y1 - box.y0) * 0.5 == pytest.approx(MIN_SIDE_MM)


def test_a_head_rest_apart_from_the_head_does_not_count() -> None:
    hu = ellipse((512, 512), (230, 256), (180, 150))
    lone = head_box(hu, (0.5, 0.5))
    hu[470:490, 100:400] = 100.0
    assert head_box(hu, (0.5, 0.5)) == lone


def test_air_alone_gives_the_whole_image() -> None:
    box = head_box(np.full((512, 512), -1000.0, np.float32), (0.5, 0.5))
    assert (box.y0 + box.y1) / 2 == pytest.approx(256)
    assert box.y1 - box.y0 >= 512


def test_full_range_and_brain_window_give_the_same_square() -> None:
    hu = ellipse((512, 512), (256, 256), (200, 160))
    hu[100:110, 200:300] = 1500.0
    assert head_box(hu, (0.5, 0.5)) == head_box(np.clip(hu, 0, 80), (0.5, 0.5))
