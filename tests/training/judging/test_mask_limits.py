"""Mask thresholds are fitted by what a report would draw, not each mask for itself."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("cv2", reason="needs the training extra (OpenCV)")

from training.judging.heldout import MASK_THRESHOLDS, Outlined
from training.judging.mask_limits import EDH, kind_dice, mask_thresholds

IPH, IVH = 2, 3
PIXELS = 400


def drawn(
    iph: tuple[float, float], ivh: tuple[float, float], slices: int = 6, apart: int = 100
) -> Outlined:
    """Slices of an IPH and an IVH, ``apart`` pixels; each mask's values on either."""
    rows, cols = np.divmod(np.arange(PIXELS), 20)
    rows[PIXELS // 2 :] += apart
    truth = np.zeros((PIXELS, 6), bool)
    truth[:, 0] = True
    truth[: PIXELS // 2, IPH] = truth[PIXELS // 2 :, IVH] = True
    soft = np.full((PIXELS, 6), 0.06, np.float32)
    soft[:, 0] = 0.5
    for label, (on_iph, on_ivh) in ((IPH, iph), (IVH, ivh)):
        soft[: PIXELS // 2, label], soft[PIXELS // 2 :, label] = on_iph, on_ivh
    labels = np.zeros((slices, 6), bool)
    labels[:, [0, IPH, IVH]] = True
    called = soft[None] >= MASK_THRESHOLDS[:, None, None]
    counts = [(called & truth).sum(1), called.sum(1), np.repeat([truth.sum(0)], len(called), 0)]
    overlap = np.repeat(np.stack(counts, -1)[None], slices, 0)
    empty = np.zeros((slices, 6))
    names = [str(n) for n in range(slices)]
    return Outlined(
        names, labels, empty, overlap, empty[:, 0],
        [soft] * slices, [truth] * slices, [np.stack([rows, cols])] * slices,
    )  # fmt: skip


def test_a_strong_mask_does_not_win_every_pixel() -> None:
    cases = drawn(iph=(0.6, 0.5), ivh=(0.1, 0.3))
    assert kind_dice(cases, [0.2] * 6)[IVH] == 0.0
    limits = mask_thresholds(cases)
    assert limits[IPH] > limits[IVH]
    assert kind_dice(cases, limits)[[IPH, IVH]] == pytest.approx([1.0, 1.0])


def test_evidence_is_shared_as_when_a_report_is_drawn() -> None:
    cases = drawn(iph=(0.6, 0.1), ivh=(0.1, 0.6), slices=1, apart=0)
    soft, truth = cases.soft[0], cases.truth[0]
    lone = np.flatnonzero(truth[:, IPH])[45]
    soft[lone, [IPH, IVH]] = 0.1, 0.6
    assert kind_dice(cases, [0.2] * 6)[[IPH, IVH]] == pytest.approx([1.0, 1.0])


def test_masks_that_agree_with_the_truth_keep_the_threshold_of_the_union() -> None:
    limits = mask_thresholds(drawn(iph=(0.6, 0.1), ivh=(0.1, 0.6)))
    assert len(set(limits)) == 1


def test_a_label_with_few_outlines_and_epidural_blood_follow_the_union() -> None:
    limits = mask_thresholds(drawn(iph=(0.6, 0.5), ivh=(0.1, 0.3), slices=3))
    assert len(set(limits)) == 1
    assert mask_thresholds(drawn(iph=(0.6, 0.5), ivh=(0.1, 0.3)))[EDH] == limits[EDH]
