"""Midline shift: sign, size, and silence where it cannot be seen."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from scipy import ndimage

from ich_cli.domain import Volume
from ich_cli.findings.locate import Place, find_place
from ich_cli.findings.shift import midline_shift
from ich_cli.phantom.head import make_head
from ich_cli.phantom.spec import PhantomSpec
from tests.findings.test_phantoms import volume_of


@lru_cache(maxsize=1)
def normal() -> tuple[Volume, Place]:
    volume = volume_of(make_head(PhantomSpec(seed=5, matrix=160)))
    return volume, find_place(volume)


def pushed(volume: Volume, left_mm: float) -> Volume:
    """The brain's middle moved to the patient's left, the skull untouched."""
    ny, nx = volume.hu.shape[1:]
    pixel = volume.spacing_mm[2]
    x = (np.arange(nx) - (nx - 1) / 2) * pixel
    y = (np.arange(ny) - (ny - 1) / 2) * pixel
    fade = np.clip(1.2 - np.hypot(x[None] / 55, y[:, None] / 70), 0, 1)
    source = np.arange(nx)[None] - left_mm / pixel * np.minimum(1.0, 1.5 * fade)
    rows = np.repeat(np.arange(ny)[:, None], nx, axis=1)
    hu = np.stack(
        [ndimage.map_coordinates(s, [rows, source], order=1, mode="nearest") for s in volume.hu]
    )
    return replace(volume, hu=hu.astype(np.float32))


@pytest.mark.parametrize("left_mm", [0.0, 6.0, -9.0])
def test_size_and_direction_of_a_known_shift(left_mm: float) -> None:
    volume, place = normal()
    moved = pushed(volume, left_mm)
    got = midline_shift(moved, np.zeros(volume.hu.shape, np.uint8), place)
    assert got.value == pytest.approx(left_mm, abs=1.5)
    assert got.unit == "mm"
    assert got.slice_index is not None
    assert "third ventricle" in got.method


def test_blood_in_the_way_leaves_it_unknown() -> None:
    volume, place = normal()
    labels = np.zeros(volume.hu.shape, np.uint8)
    labels[:, :, 70:90] = 3
    got = midline_shift(volume, labels, place)
    assert got.value is None
    assert "blood" in got.reason


def test_a_scan_that_ends_above_it_leaves_it_unknown() -> None:
    volume, place = normal()
    upper = slice(len(volume.hu) - 8, None)
    part = replace(
        volume,
        hu=volume.hu[upper],
        slice_mm=volume.slice_mm[upper],
        positions_mm=volume.positions_mm[upper],
        sop_uids=volume.sop_uids[upper],
    )
    got = midline_shift(part, np.zeros(part.hu.shape, np.uint8), place)
    assert got.value is None
    assert "not in the scan" in got.reason


def test_without_a_fit_it_is_unknown() -> None:
    volume, place = normal()
    got = midline_shift(volume, np.zeros(volume.hu.shape, np.uint8), replace(place, fit=None))
    assert got.value is None
    assert got.reason
