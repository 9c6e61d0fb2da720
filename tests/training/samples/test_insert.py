"""Inserted bleeds follow the anatomy, look like blood and change nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from training.samples.insert import LABEL, find_cranium, insert

PIXEL_MM = 0.6
SIDE = 448


@pytest.fixture(scope="module")
def head() -> np.ndarray:
    """A plain head in 0…80 HU: skull ring, brain, two ventricles, CSF rim, noise."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32) * PIXEL_MM
    cy = cx = SIDE * PIXEL_MM / 2
    radius = np.hypot((y - cy) / 1.15, x - cx)
    hu = np.zeros((SIDE, SIDE), np.float32)
    hu[radius < 82] = 80.0
    hu[radius < 74] = 8.0
    hu[radius < 71] = 34.0
    for side in (-1, 1):
        hu[np.hypot((y - cy) / 2.2, x - cx - side * 11) < 8] = 8.0
    noise = np.random.default_rng(0).normal(0, 2, hu.shape).astype(np.float32)
    return np.where((hu > 0) & (hu < 80), hu + noise, hu).clip(0, 80)[None]


def test_cranium_is_the_room_inside_the_skull(head: np.ndarray) -> None:
    cranium = find_cranium(head[0], PIXEL_MM)
    assert cranium is not None
    area_mm2 = cranium.inside.sum() * PIXEL_MM**2
    assert area_mm2 == pytest.approx(np.pi * 74 * 74 * 1.15, rel=0.05)
    assert cranium.depth_mm.max() == pytest.approx(74, rel=0.06)


def test_no_cranium_without_a_skull() -> None:
    assert find_cranium(np.full((SIDE, SIDE), 35, np.float32), PIXEL_MM) is None


@pytest.mark.parametrize("kind", list(LABEL))
def test_blood_is_where_the_mask_says_and_as_dense_as_blood(head: np.ndarray, kind: str) -> None:
    made = 0
    for seed in range(3):
        done = insert(head, PIXEL_MM, kind, np.random.default_rng(seed))
        if done is None:
            continue
        made += 1
        picture, mask = done
        cranium = find_cranium(head[0], PIXEL_MM)
        assert cranium is not None
        assert not (mask & ~cranium.inside).any()
        assert 36 < np.quantile(picture[0][mask], 0.8) < 80
        if kind != "iph":  # oedema darkens the rim on purpose
            far = np.abs(picture[0] - head[0])[~mask]
            assert np.quantile(far, 0.9) < 1.0
    assert made >= 2


def test_epidural_and_subdural_blood_touch_the_inner_table(head: np.ndarray) -> None:
    cranium = find_cranium(head[0], PIXEL_MM)
    assert cranium is not None
    for seed in range(3):
        done = insert(head, PIXEL_MM, "edh", np.random.default_rng(seed))
        if done is not None:
            assert cranium.depth_mm[done[1]].min() < 2.0


def test_intraventricular_blood_stays_in_the_ventricles(head: np.ndarray) -> None:
    dark = head[0] < 20
    done = insert(head, PIXEL_MM, "ivh", np.random.default_rng(3))
    assert done is not None
    assert dark[done[1]].mean() > 0.6


def test_the_same_seed_gives_the_same_bleed(head: np.ndarray) -> None:
    first = insert(head, PIXEL_MM, "sdh", np.random.default_rng(5))
    second = insert(head, PIXEL_MM, "sdh", np.random.default_rng(5))
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first[0], second[0])
