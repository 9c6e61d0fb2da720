"""A look changes what another scanner would, and leaves air and bone alone."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.scanner_looks import LOOKS, Slices, noisy, other_scale, sharper, softer


@pytest.fixture
def head() -> Slices:
    """Two slices: air around bone around tissue of 30 HU with a bleed of 60."""
    hu = np.zeros((2, 100, 100), np.float32)
    hu[:, 20:80, 20:80] = 80
    hu[:, 30:70, 30:70] = 30
    hu[:, 40:50, 40:50] = 60
    return Slices(hu, 0.5)


@pytest.mark.parametrize("name", LOOKS)
def test_every_look_gives_pixels_of_0_to_80_hu_of_as_many_slices(name: str, head: Slices) -> None:
    shown = LOOKS[name](head)
    assert shown.hu.min() >= 0
    assert shown.hu.max() <= 80
    assert len(shown.hu) == 2
    millimetres = [side * shown.pixel_mm for side in shown.hu.shape[1:]]
    assert millimetres == pytest.approx([50, 50], abs=1)


def test_another_scale_moves_tissue_alone(head: Slices) -> None:
    shown = other_scale(0.5, 4.0)(head).hu[0]
    assert shown[35, 35] == 34
    assert shown[45, 45] == 49
    assert (shown[25, 25], shown[5, 5]) == (80, 0)


def test_noise_has_the_spread_it_says_and_differs_between_slices(head: Slices) -> None:
    flat = Slices(np.full((2, 200, 200), 40, np.float32), 0.5)
    first, second = noisy(5.0, 0.5)(flat).hu
    assert first.std() == pytest.approx(5, abs=0.3)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.1
    near = np.corrcoef(first[:, 1:].ravel(), first[:, :-1].ravel())[0, 1]
    assert near == pytest.approx(np.exp(-1 / 4), abs=0.05)


def test_noise_is_the_same_whenever_it_is_asked_for(head: Slices) -> None:
    assert np.array_equal(noisy(5.0, 0.5)(head).hu, noisy(5.0, 0.5)(head).hu)


def test_a_smooth_kernel_widens_an_edge_and_a_sharp_one_overshoots(head: Slices) -> None:
    edge = np.s_[0, 45, 30:40]
    assert softer(1.0)(head).hu[edge].max() > head.hu[edge].max()
    bleed = np.s_[0, 45, 41]
    assert sharper(1.0, 0.6)(head).hu[bleed] > head.hu[bleed]
