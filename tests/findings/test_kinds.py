"""Neighbouring blood is of one kind unless the masks say otherwise over some millimetres."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from ich_cli.domain import SUBTYPES, Subtype
from ich_cli.findings.kinds import NEAR_MM, log_odds, shared_evidence
from ich_cli.findings.labels import UNTYPED, resolve_labels
from ich_cli.findings.partial import partial_blood
from ich_cli.findings.policy import Policy
from tests.findings.heads import Ball, Scan, predict, scan_head

POLICY = Policy()
IPH, IVH, SDH = (SUBTYPES.index(s) + 1 for s in (Subtype.IPH, Subtype.IVH, Subtype.SDH))
ALL = (True,) * 5
LEFT = Ball(Subtype.IPH, (30.0, 5.0, 5.0), (18.0, 18.0, 16.0))
RIGHT = Ball(Subtype.SDH, (-45.0, 5.0, 5.0), (10.0, 24.0, 16.0))


def drawn(balls, called=ALL, noise=0.0, spacing_mm=(5.0, 2.0, 2.0)):
    """Volume, truth, masks of a wavering network, and the labels that come of them."""
    volume, truth = scan_head(Scan(size=(30, 110, 110), spacing_mm=spacing_mm, balls=balls))
    masks = np.array(predict(truth).masks, np.float32)
    waver = np.random.default_rng(0).normal(0, noise, masks[:, 1:].shape)
    masks[:, 1:] = 1 / (1 + np.exp(-log_odds(masks[:, 1:]) - waver))
    counts = np.ones(len(masks), np.bool_)
    return volume, truth, masks, resolve_labels(masks, volume, POLICY, called, counts).labels


def right(labels, truth) -> float:
    hit = truth > 0
    return float((labels[hit] == truth[hit]).mean())


def test_masks_that_waver_from_pixel_to_pixel_draw_no_mosaic() -> None:
    _, truth, masks, labels = drawn([LEFT, RIGHT], noise=3.0)
    alone = np.where(truth > 0, masks[:, 1:].argmax(1) + 1, 0)
    assert right(alone, truth) < 0.9
    assert right(labels, truth) > 0.99


def test_two_bleeds_side_by_side_keep_their_kinds() -> None:
    _, truth, _, labels = drawn([LEFT, RIGHT])
    assert right(labels, truth) == 1.0


def test_where_two_kinds_touch_the_border_moves_by_less_than_a_spread() -> None:
    ventricle = Ball(Subtype.IVH, (12.0, 5.0, 5.0), (10.0, 14.0, 14.0))
    _, truth, _, labels = drawn([LEFT, ventricle], spacing_mm=(5.0, 1.5, 1.5))
    assert set(np.unique(labels)) == {0, IPH, IVH}
    assert right(labels, truth) > 0.95
    for kind in (IPH, IVH):
        for z in np.flatnonzero((truth == kind).any(axis=(1, 2))):
            away = ndimage.distance_transform_edt(truth[z] != kind, sampling=1.5)
            assert away[labels[z] == kind].max(initial=0.0) < NEAR_MM


def test_which_pixels_are_blood_and_its_millilitres_do_not_hang_on_the_kinds() -> None:
    volume, truth, masks, labels = drawn([LEFT, RIGHT], noise=3.0)
    np.testing.assert_array_equal(labels > 0, truth > 0)
    counts = np.ones(len(masks), np.bool_)
    total = []
    for kinds in (masks, predict(truth).masks):
        blood = resolve_labels(kinds, volume, POLICY, ALL, counts)
        mixed = masks[:, :1] * np.ones((1, 6, 1, 1), np.float32)
        total.append(partial_blood(blood, mixed, volume, POLICY).by_label(blood.labels).sum())
    assert total[0] == pytest.approx(total[1], rel=1e-6)


def test_a_kind_that_was_not_called_is_given_to_nothing() -> None:
    only_iph = tuple(s is Subtype.IPH for s in SUBTYPES)
    _, truth, _, labels = drawn([LEFT, RIGHT], called=only_iph)
    assert set(np.unique(labels)) == {0, IPH, UNTYPED}
    assert (labels[truth == SDH] == UNTYPED).all()


def test_nearness_is_measured_in_millimetres() -> None:
    blood = np.ones((61, 61), np.bool_)
    own = np.zeros((1, 61, 61), np.float32)
    own[0, 30, 30] = 5.0
    found = shared_evidence(own.reshape(1, -1), blood, (1.0, 0.5))[0].reshape(61, 61)
    assert found[34, 30] == pytest.approx(found[30, 38], rel=0.01)
    assert found[30, 38] > 2 * found[38, 30] > 0.0


def test_evidence_does_not_fade_at_the_edge_of_blood() -> None:
    blood = np.zeros((40, 40), np.bool_)
    blood[10:30, 18:22] = True
    own = np.repeat(np.float32([[1.4], [-0.8]]), 80, axis=1)
    np.testing.assert_allclose(shared_evidence(own, blood, (1.0, 1.0)), own, atol=1e-5)


def test_no_blood_has_no_evidence() -> None:
    none = np.zeros((8, 8), np.bool_)
    assert shared_evidence(np.zeros((5, 0), np.float32), none, (1.0, 1.0)).shape == (5, 0)


def test_masks_of_exactly_nought_and_one_are_finite() -> None:
    assert np.isfinite(log_odds(np.float32([0.0, 1.0]))).all()
