"""Mimics of blood stay inside the head, in range, and are drawn only where there is a head."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("cv2", reason="needs the training extra (OpenCV)")

from training.samples.mimic import KINDS, OVER_BLOOD, add_mimic

SIDE, PIXEL_MM = 224, 1.0


def head() -> np.ndarray:
    """Three equal slices: brain of 34 HU in an oval ring of bone, air around."""
    ys, xs = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    radius = np.hypot((ys - 112) / 95, (xs - 112) / 75)
    one = np.where(radius < 0.92, 34.0, np.where(radius < 1.0, 80.0, 0.0))
    return np.repeat(one[None], 3, 0).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_a_mimic_changes_the_brain_and_leaves_the_air(kind: str, seed: int) -> None:
    before = head()
    after = add_mimic(before, PIXEL_MM, kind, np.random.default_rng(seed))
    assert after is not None
    assert after.shape == before.shape
    assert after.min() >= 0.0
    assert after.max() <= 80.0
    assert np.abs(after - before)[before == 34.0].max() > 0.5
    assert (after[before == 0.0] == 0.0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_head_nothing_is_drawn(kind: str) -> None:
    empty = np.zeros((1, SIDE, SIDE), np.float32)
    assert add_mimic(empty, PIXEL_MM, kind, np.random.default_rng(0)) is None


def test_calcium_is_brighter_than_blood_and_lakes_are_fluid() -> None:
    rng = np.random.default_rng(1)
    inside = head() == 34.0
    calcium = add_mimic(head(), PIXEL_MM, "calcium", rng)
    lakes = add_mimic(head(), PIXEL_MM, "ventricles", rng)
    assert calcium[inside].max() == 80.0
    assert lakes[inside].min() < 15.0


def test_lakes_would_wipe_out_a_bleed_and_are_kept_from_slices_that_have_one() -> None:
    assert "ventricles" not in OVER_BLOOD
