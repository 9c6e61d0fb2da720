"""Which slices of a simulated scan are kept, and what their masks and labels say."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("cv2", reason="needs the training extra (OpenCV)")
pytest.importorskip("nibabel", reason="needs the training extra (nibabel)")

from ich_cli.domain import Subtype
from training.simulation.slices import (
    KEPT,
    KEPT_BLEEDING,
    Stack,
    keep,
    labels_of,
    masks_of,
    neighbours,
    spread,
)


def flat(share: dict[Subtype, np.ndarray], hu: float = 30.0) -> Stack:
    shape = next(iter(share.values())).shape
    return Stack(np.full(shape, hu, np.float32), share, np.ones(shape[0], bool), 5.0, 1.0)


def layer(*pixels: int, value: float = 1.0) -> np.ndarray:
    """Slices of 100 pixels, of which so many hold ``value`` of blood."""
    out = np.zeros((len(pixels), 100), np.float32)
    for row, count in zip(out, pixels, strict=True):
        row[:count] = value
    return out.reshape(-1, 10, 10)


def test_a_slice_bleeds_is_free_or_is_left_open() -> None:
    stack = flat({Subtype.EDH: layer(0, 5, 20, 0), Subtype.SDH: layer(0, 0, 5, 0)})
    labels = labels_of(stack, masks_of(stack))
    assert labels[0].tolist() == labels[3].tolist() == [0] * 6
    assert labels[1].tolist() == [-1, -1, 0, 0, 0, 0]
    assert labels[2].tolist() == [1, 1, 0, 0, 0, -1]


def test_less_than_half_of_a_pixel_or_bone_beside_it_is_no_mask() -> None:
    faint = flat({Subtype.SAH: layer(50, value=0.4)})
    hidden = flat({Subtype.SAH: layer(50)}, hu=600)
    for stack in (faint, hidden):
        assert not masks_of(stack).any()
        assert labels_of(stack, masks_of(stack)).tolist() == [[-1, 0, 0, 0, -1, 0]]


def test_blood_as_bright_as_bone_is_masked_but_leaves_its_slice_open() -> None:
    stack = flat({Subtype.SDH: layer(50)}, hu=250)
    masks = masks_of(stack)
    assert np.count_nonzero(masks) == 50
    assert labels_of(stack, masks).tolist() == [[-1, 0, 0, 0, 0, -1]]


def test_two_subtypes_share_a_pixel_by_halves() -> None:
    half = layer(50, value=0.4)
    masks = masks_of(flat({Subtype.EDH: half, Subtype.SDH: half}))
    assert np.unique(masks).tolist() == [0, 1]


def test_kept_slices_are_spread_over_blood_and_the_whole_scan() -> None:
    bleeding = np.zeros(40, np.int8)
    bleeding[10:30] = 1
    bleeding[9] = -1
    whole = np.ones(40, bool)
    whole[:2] = False
    chosen = keep(bleeding, whole)
    assert len(chosen) == KEPT
    assert chosen == sorted(set(chosen))
    assert bleeding[chosen].tolist().count(1) == KEPT_BLEEDING
    assert {2, 10, 29, 39} <= set(chosen)
    assert 9 not in chosen
    assert spread(np.arange(3), 8) == [0, 1, 2]
    assert keep(np.ones(5, np.int8), np.ones(5, bool)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("spacing", "step"), [(5.0, 1), (3.0, 2), (2.0, 2)])
def test_neighbours_are_as_far_away_as_networks_have_them(spacing: float, step: int) -> None:
    hu = np.zeros((9, 2, 2), np.float32)
    stack = Stack(hu, {}, np.ones(9, bool), spacing, 1.0)
    assert neighbours(stack, 4) == [4 - step, 4, 4 + step]
    assert neighbours(stack, 0) == [0, 0, step]
