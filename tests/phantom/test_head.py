"""The rendered head: tissue, geometry, and the truth that goes with it."""

from __future__ import annotations

import numpy as np
import pytest

from ich_cli.domain import Side, Subtype
from ich_cli.errors import UsageError
from ich_cli.phantom.head import HeadPhantom, make_head
from ich_cli.phantom.spec import REGIONS, Bleed, Kernel, PhantomSpec

SMALL = {"matrix": 128, "noise_hu": 0.0}


@pytest.fixture(scope="module")
def normal() -> HeadPhantom:
    return make_head(PhantomSpec(seed=3, **SMALL))


def at(head: HeadPhantom, x: float, y: float, z: float, half: float = 3.0) -> float:
    """Median HU of a small cube around a point of the patient."""
    grid = head.grid
    zs = np.abs(grid.centres_mm - z) <= max(half, grid.spacing_mm[0] / 2)
    ys = np.abs(grid.positions_mm[0][1] + np.arange(grid.matrix) * grid.pixel_mm - y) <= half
    xs = np.abs(grid.x_mm - x) <= half
    return float(np.median(head.hu[np.ix_(zs, ys, xs)]))


@pytest.mark.parametrize(
    ("point", "low", "high"),
    [
        ((12, 5, 7), 33, 42),  # thalamus
        ((-12, 5, 7), 33, 42),
        ((26, 10, 32), 24, 36),  # centrum semiovale
        ((9, -5, 17), 0, 16),  # body of the lateral ventricle
        ((25, 46, -36), 28, 42),  # cerebellum
        ((0, 8, -34), 30, 42),  # pons
        ((0, -115, 60), -1024, -980),  # air in front
        ((31, -80, -36), 0, 25),  # vitreous
    ],
)
def test_tissues_have_their_hounsfield_units(
    normal: HeadPhantom, point: tuple[float, float, float], low: float, high: float
) -> None:
    assert low <= at(normal, *point, half=2.0) <= high


def test_skull_closes_around_the_brain(normal: HeadPhantom) -> None:
    k = int(np.argmin(np.abs(normal.grid.centres_mm - 30)))
    image = normal.hu[k]
    middle = int(np.argmin(np.abs(normal.grid.x_mm)))
    row = int(np.argmin(np.abs(normal.grid.positions_mm[0][1] + np.arange(128) * 1.875 - 5)))
    assert image[row, :middle].max() > 500
    assert image[row, middle:].max() > 500
    assert 600 < np.percentile(image[image > 300], 60) < 1300


def test_vertex_slices_are_closed_and_then_empty(normal: HeadPhantom) -> None:
    bone = (normal.hu > 300).sum(axis=(1, 2))
    assert bone[-1] == 0
    top = np.flatnonzero(bone)[-1]
    brain = ((normal.hu[top] > 15) & (normal.hu[top] < 50)).sum()
    assert brain < 0.3 * bone[top]


def test_normal_head_has_no_blood(normal: HeadPhantom) -> None:
    assert not normal.labels.any()
    assert normal.ml == {}


def test_grey_matter_is_denser_than_white(normal: HeadPhantom) -> None:
    assert at(normal, 12, 5, 7) - at(normal, 26, 10, 32) > 4


@pytest.mark.parametrize("subtype", list(Subtype))
@pytest.mark.parametrize("side", [Side.LEFT, Side.RIGHT])
def test_bleed_has_its_millilitres_on_its_side(subtype: Subtype, side: Side) -> None:
    head = make_head(PhantomSpec(seed=5, bleeds=(Bleed(subtype, side=side),), **SMALL))
    target = head_target(subtype)
    ((left, right),) = head.side_ml
    wanted, other = (left, right) if side is Side.LEFT else (right, left)
    assert wanted == pytest.approx(target, rel=0.03)
    assert other <= 0.03 * target
    zs, _, xs = np.nonzero(head.mask(subtype))
    assert (head.grid.x_mm[xs].mean() > 0) == (side is Side.LEFT)
    counted = (head.grid.voxel_ml[zs]).sum()
    assert counted == pytest.approx(head.ml[subtype], rel=1e-6)


def head_target(subtype: Subtype) -> float:
    return Bleed(subtype).target_ml


@pytest.mark.parametrize("subtype", list(Subtype))
def test_blood_looks_like_blood(subtype: Subtype) -> None:
    head = make_head(PhantomSpec(seed=6, bleeds=(Bleed(subtype),), **SMALL))
    blood = head.hu[head.mask(subtype)]
    # Partial volume dims thin sheets and brightens what touches bone.
    least = 40 if subtype is Subtype.SAH else 48
    assert least <= np.percentile(blood, 35) <= 76


@pytest.mark.parametrize(
    "geometry",
    [
        {"spacing_mm": (3.0,)},
        {"spacing_mm": (2.5, 5.0)},
        {"tilt_deg": 12.0},
        {"tilt_deg": -15.0, "spacing_mm": (4.0,)},
        {"matrix": 160},
    ],
    ids=str,
)
def test_millilitres_hold_in_any_geometry(geometry: dict[str, object]) -> None:
    options = {**SMALL, **geometry}
    head = make_head(PhantomSpec(seed=7, bleeds=(Bleed(Subtype.IPH, 30.0),), **options))
    assert head.ml[Subtype.IPH] == pytest.approx(30.0, rel=0.03)


def test_tilt_leaves_the_head_where_it_is() -> None:
    flat = make_head(PhantomSpec(seed=8, bleeds=(Bleed(Subtype.IPH),), **SMALL))
    tilted = make_head(PhantomSpec(seed=8, bleeds=(Bleed(Subtype.IPH),), tilt_deg=15, **SMALL))
    assert np.allclose(centroid(flat), centroid(tilted), atol=2.0)
    along = tilted.grid.normal_mm
    step = np.diff(tilted.grid.positions_mm, axis=0)[0]
    assert np.linalg.norm(step) * np.cos(np.deg2rad(15)) == pytest.approx(along[1] - along[0])


def centroid(head: HeadPhantom) -> np.ndarray:
    z, y, x = np.nonzero(head.labels)
    corner = head.grid.positions_mm[z]
    row = y[:, None] * head.grid.pixel_mm * np.array(head.grid.column_direction)
    column = x[:, None] * head.grid.pixel_mm * np.array([1.0, 0.0, 0.0])
    return (corner + row + column).mean(axis=0)


@pytest.mark.parametrize(
    ("subtype", "region"),
    [(s, r) for s, regions in REGIONS.items() for r in regions[1:]],
)
def test_every_region_can_hold_a_small_bleed(subtype: Subtype, region: str) -> None:
    ml = 1.0 if region in ("fourth", "brainstem") else 8.0
    head = make_head(
        PhantomSpec(seed=9, bleeds=(Bleed(subtype, ml, Side.RIGHT, region),), matrix=96)
    )
    assert head.ml[subtype] == pytest.approx(ml, rel=0.06)


def test_bilateral_is_half_on_either_side() -> None:
    head = make_head(
        PhantomSpec(seed=10, bleeds=(Bleed(Subtype.SDH, 60, Side.BILATERAL),), **SMALL)
    )
    ((left, right),) = head.side_ml
    assert left == pytest.approx(30, rel=0.03)
    assert right == pytest.approx(30, rel=0.03)


def test_two_bleeds_do_not_overlap() -> None:
    bleeds = (Bleed(Subtype.IPH, 20, Side.LEFT), Bleed(Subtype.IVH, 10, Side.LEFT))
    head = make_head(PhantomSpec(seed=11, bleeds=bleeds, **SMALL))
    assert head.ml[Subtype.IPH] == pytest.approx(20, rel=0.03)
    assert head.ml[Subtype.IVH] == pytest.approx(10, rel=0.05)


def test_intraventricular_blood_lies_at_the_back() -> None:
    head = make_head(PhantomSpec(seed=12, bleeds=(Bleed(Subtype.IVH, 8),), **SMALL))
    rows = np.nonzero(head.labels)[1]
    y = head.grid.positions_mm[0][1] + rows * head.grid.pixel_mm
    assert np.median(y) > 20


def test_subdural_is_wider_than_epidural() -> None:
    reach = {}
    for subtype in (Subtype.EDH, Subtype.SDH):
        head = make_head(PhantomSpec(seed=13, bleeds=(Bleed(subtype, 40),), **SMALL))
        reach[subtype] = np.ptp(np.nonzero(head.labels)[1])
    assert reach[Subtype.SDH] > 1.5 * reach[Subtype.EDH]


def test_too_much_blood_is_refused_in_one_line() -> None:
    with pytest.raises(UsageError, match=r"room for [\d.]+ mL of IPH") as error:
        make_head(PhantomSpec(bleeds=(Bleed(Subtype.IPH, 200, region="brainstem"),), matrix=64))
    assert "\n" not in str(error.value)


def test_same_seed_same_head_other_seed_other_head() -> None:
    spec = PhantomSpec(seed=14, bleeds=(Bleed(Subtype.SAH, 10),), matrix=96, slices=8)
    again = make_head(spec)
    assert np.array_equal(make_head(spec).hu, again.hu)
    other = make_head(PhantomSpec(seed=15, bleeds=spec.bleeds, matrix=96, slices=8))
    assert not np.array_equal(other.hu, again.hu)


def test_noise_is_as_strong_as_asked_and_correlated() -> None:
    quiet = make_head(PhantomSpec(seed=16, noise_hu=0.0, slices=3))
    loud = make_head(PhantomSpec(seed=16, noise_hu=5.0, slices=3))
    noise = (loud.hu - quiet.hu)[:, 112:144, 112:144]
    assert 3.5 < noise.std() < 6.5
    neighbours = np.corrcoef(noise[..., 1:].ravel(), noise[..., :-1].ravel())[0, 1]
    assert neighbours > 0.15


def test_bone_kernel_is_noisier_than_brain_kernel() -> None:
    spreads = []
    for kernel in (Kernel.BRAIN, Kernel.BONE):
        quiet, loud = (
            make_head(PhantomSpec(kernel=kernel, noise_hu=noise, matrix=96, slices=3)).hu
            for noise in (0.0, 3.0)
        )
        spreads.append((loud - quiet)[:, 40:56, 40:56].std())
    assert spreads[1] > 2 * spreads[0]


def test_uneven_spacing_covers_the_head_once() -> None:
    grid = make_head(PhantomSpec(spacing_mm=(2.5, 5.0), matrix=64)).grid
    gaps = np.diff(grid.normal_mm)
    assert set(np.round(gaps, 3)) == {2.5, 5.0}
    assert grid.slice_mm.sum() == pytest.approx(172, abs=10)


@pytest.mark.parametrize(
    "wrong",
    [{"matrix": 8}, {"spacing_mm": ()}, {"spacing_mm": (0.0,)}, {"tilt_deg": 50}, {"slices": 0}],
    ids=str,
)
def test_impossible_specs_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        PhantomSpec(**wrong)


def test_unknown_region_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="thalamus"):
        Bleed(Subtype.IPH, region="knee")
