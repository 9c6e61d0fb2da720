"""Thin blood fills its voxels in part; its millilitres must not depend on the threshold's luck."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from ich_cli.domain import SUBTYPES, SlicePrediction, Subtype
from ich_cli.findings.assess import judge
from ich_cli.findings.labels import BloodLabels, resolve_labels
from ich_cli.findings.partial import partial_blood
from ich_cli.findings.policy import Policy
from tests.findings.heads import Ball, Scan, predict, scan_head

HALF = Policy()
LEFT = Ball(Subtype.IPH, (32.0, 5.0, 5.0), (15.0, 14.0, 13.0))
LAYER = Ball(Subtype.SAH, (-55.0, 10.0, 8.0), (2.6, 26.0, 18.0))
ONLY_IPH = tuple(one is Subtype.IPH for one in SUBTYPES)


def blurred(truth) -> SlicePrediction:
    """A network that sees the share of blood in each voxel through a blur."""
    sharp = predict(truth, inside=1.0, outside=0.0)
    masks = ndimage.gaussian_filter(np.asarray(sharp.masks, np.float32), (0.4, 0, 0.9, 0.9))
    return replace(sharp, masks=masks.astype(np.float16))


def underconfident(masks, threshold: float):
    """The same masks with one half moved to ``threshold`` in log-odds."""
    p = np.clip(np.asarray(masks, np.float64), 0.0, 1 - 1e-6)
    odds = p / (1 - p) * threshold / (1 - threshold)
    return (odds / (1 + odds)).astype(np.float32)


def measured(volume, masks, policy: Policy = HALF, called=(True,) * 5):
    blood = resolve_labels(masks, volume, policy, called, np.ones(len(masks), np.bool_))
    return blood, partial_blood(blood, masks, volume, policy)


def test_with_the_threshold_at_one_half_it_is_the_sum_of_the_soft_mask() -> None:
    volume, truth = scan_head(Scan(balls=[LEFT]))
    masks = blurred(truth).masks
    blood, partial = measured(volume, masks)
    whole = float(volume.voxel_ml @ np.asarray(masks[:, 0], np.float64).sum(axis=(1, 2)))
    assert partial.by_label(blood.labels).sum() == pytest.approx(whole, rel=0.03)


def test_doubt_deep_inside_a_bleed_is_not_taken_for_brain() -> None:
    large = Ball(Subtype.IPH, (30.0, 5.0, 5.0), (26.0, 26.0, 26.0))
    volume, truth = scan_head(Scan(balls=[large]))
    masks = predict(truth, inside=0.75, outside=0.0).masks
    blood, partial = measured(volume, masks)
    area = float(volume.voxel_ml @ blood.any_area_px)
    assert 0.85 * area < partial.by_label(blood.labels).sum() < area


@pytest.mark.parametrize("threshold", [0.05, 0.15, 0.7])
def test_an_underconfident_network_with_its_own_threshold_says_the_same(threshold: float) -> None:
    volume, truth = scan_head(Scan(balls=[LEFT, LAYER]))
    masks = blurred(truth).masks
    blood, plain = measured(volume, masks)
    moved = Policy(mask=(threshold,) * 6)
    again, shifted = measured(volume, underconfident(masks, threshold), moved)
    assert shifted.by_label(again.labels) == pytest.approx(plain.by_label(blood.labels), rel=0.02)


def test_a_layer_thinner_than_the_voxel_is_measured_better_than_by_its_area() -> None:
    volume, truth = scan_head(Scan(balls=[LAYER], size=(36, 110, 110), spacing_mm=(5, 2, 2)))
    blood, partial = measured(volume, blurred(truth).masks)
    true = float(volume.voxel_ml @ (truth > 0).sum(axis=(1, 2)))
    area = float(volume.voxel_ml @ blood.any_area_px)
    soft = float(partial.by_label(blood.labels).sum())
    assert abs(soft - true) < 0.5 * abs(area - true)
    assert soft == pytest.approx(true, rel=0.15)


def test_blood_is_counted_once_whatever_lies_over_it() -> None:
    volume, truth = scan_head(Scan(balls=[LEFT]))
    full = predict(truth, inside=1.0, outside=0.0)
    blood, partial = measured(volume, full.masks)
    assert partial.by_label(blood.labels)[2] == pytest.approx(
        float(volume.voxel_ml @ blood.area_px[:, 2]), rel=1e-4
    )


def test_lesions_subtypes_and_total_add_up() -> None:
    other = Ball(Subtype.IPH, (-30.0, -20.0, 20.0), (9.0, 9.0, 10.0))
    volume, truth = scan_head(Scan(balls=[LEFT, other, LAYER]))
    got = judge(volume, blurred(truth), HALF).assessment
    assert got.total_ml is not None
    parts = {one.subtype: one.ml.value for one in got.findings if one.ml}
    assert sum(parts.values()) == pytest.approx(got.total_ml.value, rel=1e-4)
    iph = got.findings[SUBTYPES.index(Subtype.IPH)]
    assert len(iph.lesions) == 2
    assert sum(one.ml for one in iph.lesions) == pytest.approx(parts[Subtype.IPH], rel=1e-3)


def test_faint_mask_further_off_and_pieces_left_out_do_not_count() -> None:
    volume, truth = scan_head(Scan(balls=[LEFT]))
    masks = np.array(blurred(truth).masks, np.float32)
    blood, clean = measured(volume, masks)
    masks[16, 0, 60:66, 20:26] = 0.45
    masks[16, 0, 20:23, 50:53] = 0.9
    kept = BloodLabels.of(blood.labels)
    again = partial_blood(kept, masks, volume, HALF)
    assert again.by_label(kept.labels) == pytest.approx(clean.by_label(blood.labels))


def test_the_range_holds_the_value_and_narrows_with_a_sharper_mask() -> None:
    volume, truth = scan_head(Scan(balls=[LEFT]))
    blood, soft = measured(volume, blurred(truth).masks)
    _, sharp = measured(volume, predict(truth, inside=0.999, outside=0.0).masks)
    value = soft.by_label(blood.labels)
    assert np.all(soft.low <= value)
    assert np.all(value <= soft.high)
    assert (sharp.high - sharp.low).sum() < (soft.high - soft.low).sum()


def test_no_blood_no_millilitres() -> None:
    volume, truth = scan_head(Scan())
    blood, partial = measured(volume, predict(truth).masks)
    assert partial.box is None
    assert partial.by_label(blood.labels).sum() == 0.0


def test_blood_in_the_first_and_last_slice_and_at_the_edge_stays_within_the_scan() -> None:
    volume, truth = scan_head(Scan(balls=[LEFT], size=(3, 40, 36), spacing_mm=(5, 4, 4)))
    truth[:, 15:20, -2:] = 2
    masks = predict(truth, inside=1.0, outside=0.0).masks
    blood = BloodLabels.of(truth)
    partial = partial_blood(blood, masks, volume, HALF)
    assert partial.by_label(truth)[2] == pytest.approx(float(volume.voxel_ml @ blood.area_px[:, 2]))
