"""Overlap and pointing by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ich_cli.evaluation.location import (
    contrast_to_noise,
    dice,
    iou,
    pointing_hit,
    region_accuracy,
    side_accuracy,
)


def test_overlap_by_hand() -> None:
    a, b = np.array([1, 1, 1, 0]), np.array([0, 1, 1, 1])
    assert dice(a, b) == pytest.approx(4 / 6)
    assert iou(a, b) == pytest.approx(2 / 4)


def test_two_empty_masks_have_no_overlap_to_speak_of() -> None:
    empty, full = np.zeros(4), np.ones(4)
    assert dice(empty, empty) is None
    assert iou(empty, empty) is None
    assert dice(empty, full) == 0


def test_pointing() -> None:
    truth = np.zeros((2, 5, 5))
    truth[1, 2, 2] = 1
    heat = np.zeros((2, 5, 5))
    heat[1, 2, 3] = 1
    assert pointing_hit(heat, truth) is False
    assert pointing_hit(heat, truth, tolerance=1) is True
    heat[0, 2, 2] = 2  # the right place of the wrong slice stays wrong
    assert pointing_hit(heat, truth, tolerance=1) is False
    assert pointing_hit(heat, np.zeros_like(truth)) is None
    assert pointing_hit(np.ones_like(heat), truth) is None


def test_contrast_to_noise_by_hand() -> None:
    image = np.array([4.0, 6.0, 0.0, 2.0])
    cnr = contrast_to_noise(image, [1, 1, 0, 0], [0, 0, 1, 1])
    assert cnr == pytest.approx(4 / np.sqrt(2))
    assert contrast_to_noise(image, [0, 0, 0, 0], [0, 0, 1, 1]) is None
    assert contrast_to_noise(np.array([1.0, 0.0]), [1, 0], [0, 1]) is None


def test_only_known_truths_count_and_a_missing_answer_is_wrong() -> None:
    share = side_accuracy(["Left", None, "right"], ["left", "right", None])
    assert share is not None
    assert share.value == 0.5
    assert side_accuracy(["left"], [None]) is None
    assert side_accuracy([None, None], ["left", "right"]) is None  # never says a side


def test_regions_are_compared_by_coarse_place() -> None:
    said = ["left putamen", "right frontal convexity", "left temporal lobe", None]
    share = region_accuracy(said, ["basal_ganglia", "convexity", "frontal", "occipital"])
    assert share is not None
    assert share.value == 0.5


def test_shapes_must_match() -> None:
    with pytest.raises(ValueError, match="one shape"):
        dice(np.zeros(3), np.zeros(4))
    with pytest.raises(ValueError, match="one shape"):
        pointing_hit(np.zeros((1, 3, 3)), np.zeros((1, 3, 4)))
