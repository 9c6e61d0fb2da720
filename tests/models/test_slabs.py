from __future__ import annotations

import numpy as np
import pytest

from ich_cli.models.slabs import average_slabs, plan_slabs


@pytest.mark.parametrize("spacing", [3.0, 5.0, 10.0])
def test_a_stack_that_is_not_thin_stays_as_it_is(spacing: float) -> None:
    slabs = plan_slabs(30, spacing, 5.0)
    assert len(slabs) == 30
    assert slabs.spacing_mm == spacing
    hu = np.zeros((30, 4, 4), np.float32)
    assert average_slabs(hu, slabs) is hu


def test_a_network_that_takes_any_spacing_gets_any() -> None:
    assert len(plan_slabs(300, 0.5, None)) == 300


@pytest.mark.parametrize("spacing", [0.5, 0.625, 1.0, 1.25, 1.5, 2.0, 2.5, 2.99])
@pytest.mark.parametrize("n", [1, 2, 7, 160, 301])
def test_a_thin_stack_is_cut_into_slabs_near_the_wanted_spacing(n: int, spacing: float) -> None:
    slabs = plan_slabs(n, spacing, 5.0)
    assert slabs.edges[0] == 0
    assert slabs.edges[-1] == n
    sizes = np.diff(slabs.edges)
    assert sizes.min() >= 1
    assert sizes.max() - sizes.min() <= 1
    assert slabs.spacing_mm == pytest.approx(spacing * n / len(slabs))
    if n * spacing > 20:
        assert 3.5 < slabs.spacing_mm < 6.5


def test_a_slab_is_the_mean_of_its_slices_and_every_slice_is_in_one() -> None:
    hu = np.arange(10, dtype=np.float32)[:, None, None] * np.ones((1, 2, 3), np.float32)
    slabs = plan_slabs(10, 1.0, 5.0)
    assert slabs.edges == (0, 5, 10)
    np.testing.assert_array_equal(average_slabs(hu, slabs)[:, 0, 0], [2.0, 7.0])
    assert slabs.of_slice == (0,) * 5 + (1,) * 5
