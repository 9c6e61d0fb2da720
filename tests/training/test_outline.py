"""What networks' masks may claim about a slice that nobody outlined."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra (PyTorch)")

from training.outline import EDH, UNSURE, claims, confine

IPH, SDH = 2, 5


def masks(**where: slice) -> np.ndarray:
    """Mask logits, far below the threshold but for squares of the named labels."""
    out = np.full((6, 32, 32), -5.0, np.float32)
    for name, square in where.items():
        out[{"iph": IPH, "sdh": SDH}[name], square, square] = 3.0
    return out


def bleeds(*labels: int) -> np.ndarray:
    out = np.zeros(6, bool)
    out[[0, *labels]] = True
    return out


def bit(layer: np.ndarray, label: int) -> np.ndarray:
    return (layer >> label) & 1 == 1


def test_blood_of_a_label_that_the_slice_has_is_blood_of_any_kind_too() -> None:
    found = claims(masks(iph=slice(4, 12)), bleeds(IPH))
    assert found is not None
    blood, _ = found
    assert bit(blood, IPH).sum() == 64
    assert (bit(blood, 0) == bit(blood, IPH)).all()


def test_blood_of_a_label_that_the_slice_has_not_is_no_blood() -> None:
    found = claims(masks(iph=slice(4, 12), sdh=slice(20, 28)), bleeds(IPH))
    assert found is not None
    assert not bit(found[0], SDH).any()


def test_near_the_threshold_nothing_is_claimed() -> None:
    logits = masks(iph=slice(4, 12))
    logits[IPH, 12:16, 4:12] = UNSURE / 2
    found = claims(logits, bleeds(IPH))
    assert found is not None
    blood, claimed = found
    assert not bit(claimed, IPH)[12:16, 4:12].any()
    assert bit(claimed, IPH)[20:, 20:].all()
    assert not bit(blood, IPH)[12:16].any()


def test_a_label_of_which_nothing_shows_is_left_open() -> None:
    found = claims(masks(iph=slice(4, 12)), bleeds(IPH, SDH))
    assert found is not None
    assert not bit(found[1], SDH).any()


def test_no_blood_at_all_is_no_outline() -> None:
    assert claims(masks(), bleeds(IPH)) is None


def box(label: int, low: float, high: float) -> list[float]:
    return [label, low, low, high, high]


def test_outside_a_persons_box_blood_is_no_longer_claimed() -> None:
    found = claims(masks(iph=slice(4, 28)), bleeds(IPH))
    assert found is not None
    confined = confine(found, [box(IPH, 0.0, 0.5)])
    assert confined is not None
    blood, claimed = confined
    assert bit(blood, IPH)[4:16, 4:16].all()
    for label in (0, IPH):
        assert not bit(blood, label)[16:].any()
        assert not bit(claimed, label)[17:28, 17:28].any()
        assert bit(claimed, label)[30:, 30:].all()


def test_a_label_without_boxes_stays_as_it_is_but_for_epidural_blood() -> None:
    found = claims(masks(iph=slice(4, 12)), bleeds(IPH))
    assert found is not None
    assert (confine(found, []) == found).all()
    moved = np.where(found & 1 << IPH, found ^ (1 << IPH) | 1 << EDH, found).astype(np.uint8)
    assert confine(moved, []) is None
