"""How thick a layer of blood is."""

from __future__ import annotations

import numpy as np
import pytest

from ich_cli.findings.thickness import max_thickness_mm


def ring_part(radius: float, thick: float, pixel: float) -> np.ndarray:
    """A crescent along a round skull."""
    axis = np.arange(-80, 80, pixel)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    r = np.hypot(y, x)
    return ((r <= radius) & (r > radius - thick) & (x > 0.5 * r))[None]


@pytest.mark.parametrize("pixel", [0.4, 0.5, 1.0])
@pytest.mark.parametrize("thick", [5.0, 8.0, 15.0])
def test_a_crescent_is_as_thick_as_it_was_drawn(thick: float, pixel: float) -> None:
    found = max_thickness_mm(ring_part(70.0, thick, pixel), (pixel, pixel), 5.0)
    assert found is not None
    assert found[0] == pytest.approx(thick, abs=1.3)


def test_the_thickest_slice_is_named_and_pixels_need_not_be_square() -> None:
    mask = np.zeros((5, 40, 80), bool)
    mask[1, 10:20, 10:30] = True
    mask[2:5, 10:30, 10:70] = True
    found = max_thickness_mm(mask, (1.0, 0.5), 5.0)
    assert found is not None
    assert found[1] in (3, 4)
    assert found[0] == pytest.approx(20.0, abs=1.0)


def test_no_blood_has_no_thickness() -> None:
    assert max_thickness_mm(np.zeros((3, 8, 8), bool), (1, 1), 5.0) is None


def test_a_layer_that_slices_cut_lengthwise_is_not_thicker_than_it_is() -> None:
    z, y, x = np.mgrid[40:76:2, -70:71, -70:71].astype(float)
    radius = np.sqrt(z**2 + y**2 + x**2)
    cap = (radius <= 75) & (radius > 67) & (x > 0)
    found = max_thickness_mm(cap, (1.0, 1.0), 2.0)
    assert found is not None
    assert found[0] < 12.0
