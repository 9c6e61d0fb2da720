"""One scan in, one assessment out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ich_cli.domain import SUBTYPES, Side, SlicePrediction, Status, Subtype
from ich_cli.findings.assess import assess_with, judge
from ich_cli.findings.policy import Policy
from tests.findings.heads import Ball, Scan, predict, scan_head

LEFT_IPH = Ball(Subtype.IPH, (32.0, 5.0, 5.0), (15.0, 14.0, 13.0))


def finding(assessment, subtype):
    return assessment.findings[SUBTYPES.index(subtype)]


@pytest.mark.parametrize(
    "scan",
    [
        Scan(balls=[LEFT_IPH]),
        Scan(balls=[LEFT_IPH], tilt_deg=20),
        Scan(balls=[LEFT_IPH], size=(36, 60, 120), spacing_mm=(5.0, 4.0, 2.0)),
        Scan(balls=[LEFT_IPH], depths_mm=(*np.arange(-80, 0, 2.5), *np.arange(0, 85, 5.0))),
    ],
    ids=["plain", "tilted", "non-square voxels", "uneven spacing"],
)
def test_volume_side_and_key_slice_of_a_known_bleed(scan: Scan) -> None:
    volume, truth = scan_head(scan)
    got = assess_with(volume, predict(truth), Policy())
    assert got.status is Status.POSITIVE
    assert got.any_call
    assert got.total_ml is not None
    assert got.total_ml.value == pytest.approx(LEFT_IPH.ml, rel=0.08)
    assert got.total_ml.low < LEFT_IPH.ml < got.total_ml.high
    assert got.side is Side.LEFT
    assert got.key_slice == int((truth > 0).sum(axis=(1, 2)).argmax())
    iph = finding(got, Subtype.IPH)
    assert iph.call
    assert iph.ml == got.total_ml
    assert [lesion.subtype for lesion in iph.lesions] == [Subtype.IPH]
    assert iph.lesions[0].centroid_lps_mm == pytest.approx(LEFT_IPH.centre, abs=1.5)


def test_only_called_subtypes_have_millilitres_and_the_total_is_the_union() -> None:
    right_sdh = Ball(Subtype.SDH, (-60.0, 0.0, 10.0), (6.0, 20.0, 18.0))
    volume, truth = scan_head(Scan(balls=[LEFT_IPH, right_sdh]))
    prediction = predict(truth)
    uncalled = Policy(scan=(0.5, 0.5, 0.5, 0.5, 0.5, 1.0))
    got = assess_with(volume, prediction, uncalled)
    sdh = finding(got, Subtype.SDH)
    assert (sdh.call, sdh.ml, sdh.side, sdh.lesions) == (False, None, None, ())
    assert sdh.ml_reason
    assert got.total_ml is not None
    assert got.total_ml.value == pytest.approx(LEFT_IPH.ml + right_sdh.ml, rel=0.12)
    assert got.side is Side.LEFT
    both = assess_with(volume, prediction, Policy())
    assert both.side is Side.BILATERAL
    assert finding(both, Subtype.SDH).side is Side.RIGHT
    assert finding(both, Subtype.IPH).side is Side.LEFT


def test_competing_masks_give_each_voxel_to_one_subtype() -> None:
    volume, truth = scan_head(Scan(balls=[LEFT_IPH]))
    prediction = predict(truth)
    assert prediction.masks is not None
    prediction.masks[:, 3] = prediction.masks[:, 2] * 0.8
    prediction.probs[:, 3] = prediction.probs[:, 2]
    got = assess_with(volume, prediction, Policy())
    ivh = finding(got, Subtype.IVH)
    assert ivh.call
    assert ivh.ml is None
    assert "empty" in ivh.ml_reason
    iph = finding(got, Subtype.IPH)
    assert iph.ml is not None
    assert got.total_ml is not None
    assert iph.ml.value == pytest.approx(got.total_ml.value)


def test_mask_outside_the_head_and_specks_do_not_count() -> None:
    volume, truth = scan_head(Scan(balls=[LEFT_IPH]))
    clean = assess_with(volume, predict(truth), Policy())
    dirty = predict(truth)
    assert dirty.masks is not None
    dirty.masks[:, :3, :6, :6] = 1.0
    dirty.masks[10, :3, 60, 40] = 1.0
    got = assess_with(volume, dirty, Policy())
    assert got.total_ml is not None
    assert clean.total_ml is not None
    assert got.total_ml.value == pytest.approx(clean.total_ml.value)


def test_a_classifier_without_masks_says_so_instead_of_inventing_a_volume() -> None:
    volume, truth = scan_head(Scan(balls=[LEFT_IPH]))
    got = assess_with(volume, replace(predict(truth), masks=None), Policy())
    assert got.status is Status.POSITIVE
    assert got.total_ml is None
    assert "no mask" in got.ml_reason
    assert "no mask" in finding(got, Subtype.IPH).ml_reason
    assert got.key_slice is not None


def test_a_called_scan_with_an_empty_mask_is_positive_and_says_so() -> None:
    volume, truth = scan_head(Scan(balls=[LEFT_IPH]))
    prediction = predict(truth)
    empty = SlicePrediction(prediction.probs, np.zeros_like(prediction.masks))
    got = assess_with(volume, empty, Policy())
    assert got.status is Status.POSITIVE
    assert got.total_ml is None
    assert got.side is None
    assert "empty_mask" in got.flags


def test_a_negative_scan_has_no_volume_and_no_calls() -> None:
    volume, truth = scan_head(Scan())
    got = assess_with(volume, predict(truth), Policy())
    assert got.status is Status.NEGATIVE
    assert got.total_ml is None
    assert not any(one.call or one.ml for one in got.findings)


@pytest.mark.parametrize(
    ("unseen_mm", "status"), [(3.0, Status.NEGATIVE), (5.0, Status.INDETERMINATE)]
)
def test_no_scan_is_negative_whose_lost_slices_may_hide_blood(
    unseen_mm: float, status: Status
) -> None:
    volume, truth = scan_head(Scan())
    got = assess_with(replace(volume, unseen_mm=unseen_mm), predict(truth), Policy())
    assert (got.status, got.any_call) == (status, False)


def test_blood_that_is_seen_is_called_whatever_was_lost() -> None:
    volume, truth = scan_head(Scan(balls=[LEFT_IPH]))
    got = assess_with(replace(volume, unseen_mm=15.0), predict(truth), Policy())
    assert got.status is Status.POSITIVE


def test_a_subtype_without_any_is_for_a_person_to_look_at() -> None:
    volume, truth = scan_head(Scan(balls=[LEFT_IPH]))
    prediction = predict(truth)
    prediction.probs[:, 0] = 0.01
    got = assess_with(volume, prediction, Policy())
    assert got.status is Status.INDETERMINATE
    assert "subtype_without_any" in got.flags


@pytest.mark.parametrize("slices", [1, 3])
def test_very_few_slices_are_still_measured(slices: int) -> None:
    volume, truth = scan_head(Scan(balls=[LEFT_IPH], size=(slices, 80, 80), z_offset_mm=5.0))
    got = assess_with(volume, predict(truth), Policy())
    assert got.side is Side.LEFT
    assert got.total_ml is not None
    assert got.total_ml.value > 0.5


def test_half_a_head_keeps_its_side() -> None:
    volume, truth = scan_head(Scan(balls=[LEFT_IPH], size=(36, 80, 80)))
    upper = slice(15, None)
    half = replace(
        volume,
        hu=volume.hu[upper],
        slice_mm=volume.slice_mm[upper],
        positions_mm=volume.positions_mm[upper],
        sop_uids=volume.sop_uids[upper],
    )
    got = assess_with(half, predict(truth[upper]), Policy())
    assert got.side is Side.LEFT


def test_a_bleed_at_the_image_edge_is_measured() -> None:
    volume, truth = scan_head(Scan(balls=[LEFT_IPH], size=(36, 80, 50), spacing_mm=(5, 3, 3)))
    truth[15:18, 40:44, -3:] = 2
    got = assess_with(volume, predict(truth), Policy())
    assert got.side is Side.LEFT


def test_a_side_that_could_be_another_is_flagged() -> None:
    volume, truth = scan_head(Scan(balls=[Ball(Subtype.IPH, (6.0, 20.0, -20.0), (10, 12, 10))]))
    assert "side_uncertain" in assess_with(volume, predict(truth), Policy()).flags
    volume, truth = scan_head(Scan(balls=[LEFT_IPH]))
    assert "side_uncertain" not in assess_with(volume, predict(truth), Policy()).flags


def test_the_labels_that_were_measured_come_with_the_assessment() -> None:
    volume, truth = scan_head(Scan(balls=[LEFT_IPH]))
    judged = judge(volume, predict(truth), Policy())
    assert judged.labels is not None
    assert np.array_equal(judged.labels > 0, truth > 0)
    clean = judge(volume, predict(np.zeros_like(truth)), Policy())
    assert clean.labels is None
