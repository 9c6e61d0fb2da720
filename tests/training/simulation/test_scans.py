"""Simulated scans: geometry, HU of tissues, and millilitres of the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from ich_cli.domain import Subtype
from tests.training.simulation.toy_head import SIZE, ball, toy_head
from training.simulation.head import Head
from training.simulation.scanner import Frame, Scanner
from training.simulation.scans import AXIAL, paint_blood, scan_hu, seen_ml, simulate
from training.simulation.tissue import Membranes, head_hu


@pytest.fixture(scope="module")
def head() -> Head:
    return toy_head()


@pytest.fixture(scope="module")
def membranes(head: Head) -> Membranes:
    return Membranes.of(head)


def scanner(thick: float, reach: float = 50.0, tilt: float = 0.0) -> Scanner:
    depths = np.arange(-reach, reach, thick)
    return Scanner(depths, (1.0, 1.0), (100, 100), tilt, (4.0, -3.0, 2.0), AXIAL, thick)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("labels", "low", "high"),
    [
        ((2, 41), 22, 34),
        ((3, 42), 34, 43),
        ((4, 43), 3, 10),
        ((515,), 700, 1700),
        ((516,), 250, 650),
        ((0,), -1000, -1000),
    ],
)
def test_tissues_have_their_usual_hu(
    head: Head, membranes: Membranes, labels: tuple[int, ...], low: float, high: float
) -> None:
    for seed in range(2):
        hu = head_hu(head, membranes, rng(seed))
        here = np.isin(head.map.labels, labels) & ~membranes.falx & ~membranes.tentorium
        assert low <= np.median(hu[here]) <= high


def test_tissue_is_not_flat_and_differs_from_scan_to_scan(head: Head, membranes: Membranes) -> None:
    one, two = (head_hu(head, membranes, rng(seed)) for seed in (1, 2))
    white = head.map.labels == 2
    assert 0.8 < one[white].std() < 6
    assert abs(one[white] - two[white]).mean() > 0.5


def test_fat_lies_under_the_skin_and_around_the_eye_and_muscle_deeper() -> None:
    deep = toy_head()
    labels = deep.map.labels
    labels[labels == 515] = 507  # all of the wall is soft tissue, 12 mm of it
    hu = head_hu(deep, Membranes.of(deep), rng())
    skin, eye = (
        ndimage.distance_transform_edt(~np.isin(labels, value)) for value in ((0, 511), 506)
    )
    soft = labels == 507
    assert -115 < np.median(hu[soft & (skin < 3)]) < -70
    assert -115 < np.median(hu[soft & (skin > 7) & (eye < 10)]) < -70
    assert 40 < np.median(hu[soft & (skin > 7) & (eye > 20)]) < 62


def test_falx_and_tentorium_lie_between_the_parts_of_the_brain(membranes: Membranes) -> None:
    x = np.nonzero(membranes.falx)[2]
    assert np.abs(x - SIZE // 2).max() <= 3
    assert len(x) > 1000
    below = np.nonzero(membranes.tentorium)[0] - SIZE // 2
    assert len(below) > 200
    assert -19 <= np.median(below) <= -13


@pytest.mark.parametrize(("thick", "tilt"), [(2.5, 0.0), (5.0, 0.0), (5.0, 12.0)])
def test_a_bleed_keeps_its_millilitres_in_the_pixels(head: Head, thick: float, tilt: float) -> None:
    bleed = ball(head, (3, -4, 14), 9, Subtype.IPH)
    hu = np.full(head.cavity.shape, 30, np.float32)
    hu[bleed.mask] = 70
    frame = Frame.of(scanner(thick, tilt=tilt), head.centre)
    volume = frame.volume(scan_hu(hu, head, frame, rng()))
    inner = volume.hu[:, 25:75, 25:75]
    share = (inner - 30) / 40
    share[np.abs(share) > 1.5] = 0  # slices that leave the head
    ml = float((share.sum(axis=(1, 2)) * volume.voxel_ml).sum())
    assert ml == pytest.approx(bleed.ml, rel=0.04)
    assert seen_ml(head, bleed, volume, frame) == pytest.approx(bleed.ml)


def test_a_bleed_is_where_it_was_put(head: Head) -> None:
    bleed = ball(head, (10, -12, 15), 6, Subtype.IPH)
    hu = np.full(head.cavity.shape, 30, np.float32)
    hu[bleed.mask] = 80
    plain = Scanner(np.arange(-40.0, 40, 2.5), (1.0, 1.0), (100, 100), 0, (0, 0, 0), AXIAL, 2.5)
    frame = Frame.of(plain, np.zeros(3))
    volume = frame.volume(scan_hu(hu, head, frame, rng()))
    z, y, x = np.argwhere(volume.hu > 65).mean(axis=0)
    assert volume.positions_mm[0, 2] + 2.5 * z == pytest.approx(10, abs=1)
    assert volume.positions_mm[0, 1] + y == pytest.approx(-12, abs=1)
    assert volume.positions_mm[0, 0] + x == pytest.approx(15, abs=1)


def test_thick_slices_average_a_thin_plate(head: Head) -> None:
    hu = np.full(head.cavity.shape, 30, np.float32)
    hu[60] = 130
    frame = Frame.of(
        Scanner(np.arange(-20.0, 21, 5), (1.0, 1.0), (60, 60), 0, (0, 0, 0), AXIAL, 5.0),
        np.zeros(3),
    )
    means = scan_hu(hu, head, frame, rng())[:, 20:40, 20:40].mean(axis=(1, 2)) - 30
    assert means.sum() == pytest.approx(20, abs=4)


def test_only_what_was_scanned_counts(head: Head) -> None:
    bleed = ball(head, (0, 0, 12), 8, Subtype.IPH)
    frame = Frame.of(scanner(5.0, reach=50.0), head.centre)
    upper = Frame.of(
        Scanner(np.arange(2.5, 50, 5), (1.0, 1.0), (100, 100), 0, (0, 0, 0), AXIAL, 5.0),
        np.zeros(3),
    )
    whole = seen_ml(head, bleed, frame.volume(np.zeros((20, 100, 100), np.float32)), frame)
    half = seen_ml(head, bleed, upper.volume(np.zeros((10, 100, 100), np.float32)), upper)
    assert whole == pytest.approx(bleed.ml)
    assert half == pytest.approx(bleed.ml / 2, rel=0.15)


def test_blood_is_dense_and_darkens_the_brain_around_an_iph(head: Head) -> None:
    bleed = ball(head, (0, 0, 20), 7, Subtype.IPH)
    clean = np.where(head.cavity, 30, -1000).astype(np.float32)
    hu = clean.copy()
    paint_blood(hu, head, bleed, rng())
    assert 50 < np.median(hu[bleed.mask]) < 78
    changed = (hu != clean) & ~bleed.mask
    assert changed.any()
    assert (hu <= clean)[changed].all()
    assert hu[head.cavity].min() >= 12


def test_a_simulation_follows_from_its_seed(head: Head, membranes: Membranes) -> None:
    bleed = ball(head, (0, 0, 20), 6, Subtype.SDH)
    one, two = (simulate(head, membranes, bleed, rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one.volume.hu, two.volume.hu)
    assert one.ml == pytest.approx(bleed.ml)
    assert simulate(head, membranes, None, rng(5)).ml == 0
