"""Bleeding heads, scanned: where masks lie and what they hold."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("cv2", reason="needs the training extra (OpenCV)")
pytest.importorskip("nibabel", reason="needs the training extra (nibabel)")

from ich_cli.domain import SUBTYPES, Subtype
from tests.training.simulation.toy_head import ball, toy_head, with_regions
from training.simulation.bleeds import Truth
from training.simulation.head import Head
from training.simulation.slices import Stack, masks_of
from training.simulation.stacks import draw_bleeds, scan, without
from training.simulation.tissue import Membranes


@pytest.fixture(scope="module")
def head() -> Head:
    return toy_head()


@pytest.fixture(scope="module")
def able(head: Head) -> Head:
    return with_regions(head)


@pytest.fixture(scope="module")
def bleeds(head: Head) -> list[Truth]:
    return [ball(head, (4, -6, 18), 9, Subtype.IPH), ball(head, (2, 10, -20), 8, Subtype.SAH)]


@pytest.fixture(scope="module")
def stack(head: Head, bleeds: list[Truth]) -> Stack:
    return scan(head, Membranes.of(head), bleeds, np.random.default_rng(3))


def test_the_mask_lies_where_the_picture_is_brighter(stack: Stack) -> None:
    masks = masks_of(stack)
    seen = np.flatnonzero((masks & 1).any(axis=(1, 2)))
    assert len(seen) >= 3
    for z in seen:
        blood = (masks[z] & 1) > 0
        near = np.abs(stack.hu[z] - 34) < 25
        if blood.sum() > 40:
            assert stack.hu[z][blood].mean() > stack.hu[z][near & ~blood].mean() + 5


def test_masks_hold_the_millilitres_that_were_painted(stack: Stack, bleeds: list[Truth]) -> None:
    voxel_ml = stack.spacing_mm * stack.pixel_mm**2 / 1000
    masks = masks_of(stack)
    for bleed in bleeds:
        own = 1 + SUBTYPES.index(bleed.subtype)
        assert stack.share[bleed.subtype].sum() * voxel_ml == pytest.approx(bleed.ml, rel=0.05)
        assert ((masks >> own) & 1).sum() * voxel_ml == pytest.approx(bleed.ml, rel=0.15)
    both = sum(bleed.ml for bleed in bleeds)
    assert (masks & 1).sum() * voxel_ml == pytest.approx(both, rel=0.15)


def test_hu_are_those_of_a_head(stack: Stack) -> None:
    assert stack.hu.min() >= -1024
    assert stack.hu.max() > 500
    brain = stack.hu[(stack.hu > 15) & (stack.hu < 60)]
    assert 25 < np.median(brain) < 45
    blood = stack.hu[(masks_of(stack) & 1) > 0]
    assert 38 < np.median(blood) < 80


def test_drawn_bleeds_share_no_voxel(able: Head) -> None:
    drawn = [draw_bleeds(able, np.random.default_rng([1, n])) for n in range(8)]
    assert {len(bleeds) for bleeds in drawn} >= {0, 1, 2}
    for bleeds in drawn:
        if bleeds:
            assert np.sum([b.mask for b in bleeds], axis=0).max() == 1
        assert all(0 < b.ml == b.mask.sum() / 1000 <= 75 for b in bleeds)


def test_a_later_bleed_takes_the_place_of_an_earlier_one(head: Head) -> None:
    one, two = ball(head, (0, 0, 12), 8, Subtype.SDH), ball(head, (0, 0, 18), 8, Subtype.SAH)
    left = without(one, two.mask)
    assert not (left.mask & two.mask).any()
    assert left.ml == left.mask.sum() / 1000 < one.ml
