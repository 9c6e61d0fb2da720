from __future__ import annotations

import numpy as np
import pytest

from ich_cli.models.card_parts import InputSpec
from ich_cli.models.headbox import head_box
from ich_cli.models.preprocess import clean, neighbour_step, seen_hu, tensors, whole_image_box

SPACING = (5.0, 0.5, 0.5)


def spec(**changes: object) -> InputSpec:
    fields = {"size": 32, "crop": "none", "windows": [[40, 80]], **changes}
    return InputSpec.model_validate(fields)


def flat(*values: float, side: int = 32) -> np.ndarray:
    """One slice a value, each flat."""
    return np.array(values, np.float32)[:, None, None] * np.ones((1, side, side), np.float32)


def means(hu: np.ndarray, input_spec: InputSpec, spacing: tuple = SPACING) -> np.ndarray:
    """Mean of each channel of each slice's tensor."""
    return np.array([t.mean(axis=(1, 2)) for _, t in tensors(hu, spacing, input_spec)])


def test_a_window_scales_hounsfield_units_to_0_1_and_clips() -> None:
    hu = flat(-2000, 0, 20, 40, 80, 3000)
    np.testing.assert_allclose(means(hu, spec())[:, 0], [0, 0, 0.25, 0.5, 1, 1], atol=1e-6)


def test_mean_and_deviation_are_applied_after_scaling_a_window() -> None:
    two = spec(windows=[[40, 80], [500, 1000]], mean=[0.5, 0.1], std=[0.25, 2.0])
    np.testing.assert_allclose(
        means(flat(60), two), [[(0.75 - 0.5) / 0.25, (0.06 - 0.1) / 2]], atol=1e-5
    )


def test_channels_run_over_slices_first_and_windows_inside() -> None:
    hu = flat(10, 20, 30)
    got = means(hu, spec(slices=[-1, 0, 1], windows=[[40, 80], [500, 1000]]))
    np.testing.assert_allclose(got[1], [10 / 80, 0.01, 20 / 80, 0.02, 30 / 80, 0.03], atol=1e-6)


def test_the_ends_are_their_own_neighbours() -> None:
    got = means(flat(8, 16, 24), spec(slices=[-2, -1, 0, 1]))
    np.testing.assert_allclose(
        got * 80, [[8, 8, 8, 16], [8, 8, 16, 24], [8, 16, 24, 24]], atol=1e-4
    )


def test_a_lone_slice_is_its_own_neighbour() -> None:
    np.testing.assert_allclose(means(flat(40), spec(slices=[-1, 0, 1])), [[0.5] * 3], atol=1e-6)


@pytest.mark.parametrize(
    ("spacing", "step"),
    [(5.0, 1), (10.0, 1), (2.5, 2), (1.25, 4)],
)
def test_neighbours_can_be_asked_for_by_distance(spacing: float, step: int) -> None:
    assert neighbour_step(spacing, spec(neighbour_mm=5.0)) == step
    assert neighbour_step(spacing, spec()) == 1


def test_what_was_seen_of_the_slice_itself_can_be_told_in_hu() -> None:
    wanted = spec(
        slices=[-1, 0, 1], windows=[[40, 80], [500, 1000]], mean=[0.45, 0.1], std=[0.2, 1]
    )
    tensor = list(tensors(flat(10, 20, 30), (5.0, 0.5, 0.5), wanted))[1][1]
    np.testing.assert_allclose(seen_hu(tensor, wanted), 20, atol=1e-3)


def test_neighbours_by_distance_reach_the_network() -> None:
    hu = flat(*range(0, 80, 8))
    got = means(hu, spec(slices=[-1, 0, 1], neighbour_mm=5.0), (2.5, 0.5, 0.5))
    np.testing.assert_allclose(got[5] * 80, [24, 40, 56], atol=1e-4)


def test_a_head_crop_cuts_the_neighbours_with_the_slices_own_box() -> None:
    hu = np.full((3, 256, 256), -1000.0, np.float32)
    hu[0, 20:60, 20:60] = 30
    hu[1, 60:200, 70:190] = 40
    hu[2, 180:250, 10:250] = 50
    wanted = spec(crop="head", slices=[-1, 0, 1], size=64)
    for k, (box, tensor) in enumerate(tensors(hu, (5.0, 1.0, 1.0), wanted)):
        assert box == head_box(hu[k], (1.0, 1.0))
        assert tensor.shape == (3, 64, 64)
        assert tensor.dtype == np.float32
    boxes = [box for box, _ in tensors(hu, (5.0, 1.0, 1.0), wanted)]
    middle = list(tensors(hu, (5.0, 1.0, 1.0), wanted))[1][1]
    lone = next(iter(tensors(hu[2:], (5.0, 1.0, 1.0), spec(size=64))))[1]
    assert boxes[1] != boxes[2]
    assert 0 < middle[2].mean() < lone.mean()


def test_what_lies_outside_the_image_is_air_in_every_window() -> None:
    lung = spec(crop="none", windows=[[-500, 2000], [40, 80]])
    hu = flat(-1000, side=40)[:, :20]
    np.testing.assert_allclose(means(hu, lung), [[0.25, 0]], atol=1e-6)


def test_values_that_are_no_numbers_are_air_or_metal() -> None:
    hu = np.array([np.nan, np.inf, -np.inf, -3024, 30000, 40], np.float32)
    np.testing.assert_array_equal(clean(hu), [-1000, 3071, -1000, -1000, 3071, 40])
    assert np.isnan(hu[0])


def test_a_stack_with_holes_gives_a_tensor_without() -> None:
    hu = flat(40, 40)
    hu[0, 3:9] = np.nan
    hu[1] = np.nan
    for crop in ("none", "head"):
        for _, tensor in tensors(hu, SPACING, spec(crop=crop, slices=[-1, 0, 1])):
            assert np.isfinite(tensor).all()


def test_the_whole_image_is_squared_in_millimetres() -> None:
    box = whole_image_box((100, 200), (1.0, 0.5))
    assert (box.y0, box.y1, box.x0, box.x1) == (0, 100, 0, 200)
    box = whole_image_box((100, 200), (1.0, 1.0))
    assert (box.y0, box.y1, box.x0, box.x1) == (-50, 150, 0, 200)


def test_integer_volumes_are_fed_too() -> None:
    got = means(flat(20).astype(np.int16), spec())
    np.testing.assert_allclose(got, [[0.25]], atol=1e-6)
