"""Simulated scans as training slices: where masks lie, what they hold, who is in them."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("cv2", reason="needs the training extra (OpenCV)")
pytest.importorskip("nibabel", reason="needs the training extra (nibabel)")

from benchmarks.measure_bleeds import Truth
from benchmarks.measure_heads import Head
from benchmarks.tissue import Membranes
from ich_cli.domain import SUBTYPES, Subtype
from ich_cli.findings.regions import Kind
from tests.benchmarks.toy_head import ball, toy_head
from training import simulated
from training.atlas import STEP_MM, grid
from training.cache import MASK_SIDE, SIDE
from training.simulated import FOLD, build, plan, write_slices
from training.simulated_heads import draw_bleeds, scan, training_heads, without
from training.simulated_slices import (
    KEPT,
    KEPT_BLEEDING,
    Stack,
    keep,
    labels_of,
    masks_of,
    neighbours,
    spread,
)
from training.sources import LABEL_COLUMNS

COLUMNS = ("key", "source", "row", "patient", "index", "fold", "pixel_mm", "boxes", *LABEL_COLUMNS)


@pytest.fixture(scope="module")
def head() -> Head:
    return toy_head()


@pytest.fixture(scope="module")
def able(head: Head) -> Head:
    """The same with regions, which an IPH is drawn by: all of it is one."""
    size = grid(STEP_MM)[1]
    return replace(head, regions={kind.value: np.ones(size, np.uint8) for kind in Kind})


@pytest.fixture(scope="module")
def bleeds(head: Head) -> list[Truth]:
    return [ball(head, (4, -6, 18), 9, Subtype.IPH), ball(head, (2, 10, -20), 8, Subtype.SAH)]


@pytest.fixture(scope="module")
def stack(head: Head, bleeds: list[Truth]) -> Stack:
    return scan(head, Membranes.of(head), bleeds, np.random.default_rng(3))


def maps(root: Path, count: int = 20) -> Path:
    """A folder of label maps that hold nothing."""
    folder = root / "synthseg_labels"
    folder.mkdir(parents=True)
    for number in range(1, count + 1):
        (folder / f"training_seg_{number:02d}.nii.gz").touch()
    return root


def flat(share: dict[Subtype, np.ndarray], hu: float = 30.0) -> Stack:
    shape = next(iter(share.values())).shape
    return Stack(np.full(shape, hu, np.float32), share, np.ones(shape[0], bool), 5.0, 1.0)


def layer(*pixels: int, value: float = 1.0) -> np.ndarray:
    """Slices of 100 pixels, of which so many hold ``value`` of blood."""
    out = np.zeros((len(pixels), 100), np.float32)
    for row, count in zip(out, pixels, strict=True):
        row[:count] = value
    return out.reshape(-1, 10, 10)


def test_only_heads_that_no_measurement_uses_are_simulated(tmp_path: Path) -> None:
    heads = training_heads(maps(tmp_path))
    assert {file.name for file, _ in heads} == {
        f"training_seg_{number:02d}.nii.gz" for number in range(1, 15)
    }
    assert len(heads) == len(set(heads)) == 28
    jobs = plan(tmp_path, 61)
    assert sorted(number for job in jobs for number in job.scans) == list(range(61))


def test_without_label_maps_nothing_is_simulated(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no label maps"):
        plan(tmp_path, 3)


def test_the_mask_lies_where_the_picture_is_brighter(stack: Stack) -> None:
    masks = masks_of(stack)
    seen = np.flatnonzero((masks & 1).any(axis=(1, 2)))
    assert len(seen) >= 3
    for z in seen:
        blood = (masks[z] & 1) > 0
        near = np.abs(stack.hu[z] - 34) < 25
        if blood.sum() > 40:
            assert stack.hu[z][blood].mean() > stack.hu[z][near & ~blood].mean() + 5


def test_masks_hold_the_millilitres_that_were_painted(stack: Stack, bleeds: list[Truth]) -> None:
    voxel_ml = stack.spacing_mm * stack.pixel_mm**2 / 1000
    masks = masks_of(stack)
    for bleed in bleeds:
        own = 1 + SUBTYPES.index(bleed.subtype)
        assert stack.share[bleed.subtype].sum() * voxel_ml == pytest.approx(bleed.ml, rel=0.05)
        assert ((masks >> own) & 1).sum() * voxel_ml == pytest.approx(bleed.ml, rel=0.15)
    both = sum(bleed.ml for bleed in bleeds)
    assert (masks & 1).sum() * voxel_ml == pytest.approx(both, rel=0.15)


def test_hu_are_those_of_a_head(stack: Stack) -> None:
    assert stack.hu.min() >= -1024
    assert stack.hu.max() > 500
    brain = stack.hu[(stack.hu > 15) & (stack.hu < 60)]
    assert 25 < np.median(brain) < 45
    blood = stack.hu[(masks_of(stack) & 1) > 0]
    assert 38 < np.median(blood) < 80


def test_a_slice_bleeds_is_free_or_is_left_open() -> None:
    stack = flat({Subtype.EDH: layer(0, 5, 20, 0), Subtype.SDH: layer(0, 0, 5, 0)})
    labels = labels_of(stack, masks_of(stack))
    assert labels[0].tolist() == labels[3].tolist() == [0] * 6
    assert labels[1].tolist() == [-1, -1, 0, 0, 0, 0]
    assert labels[2].tolist() == [1, 1, 0, 0, 0, -1]


def test_less_than_half_of_a_pixel_or_bone_beside_it_is_no_mask() -> None:
    faint = flat({Subtype.SAH: layer(50, value=0.4)})
    hidden = flat({Subtype.SAH: layer(50)}, hu=600)
    for stack in (faint, hidden):
        assert not masks_of(stack).any()
        assert labels_of(stack, masks_of(stack)).tolist() == [[-1, 0, 0, 0, -1, 0]]


def test_two_subtypes_share_a_pixel_by_halves() -> None:
    half = layer(50, value=0.4)
    masks = masks_of(flat({Subtype.EDH: half, Subtype.SDH: half}))
    assert np.unique(masks).tolist() == [0, 1]


def test_kept_slices_are_spread_over_blood_and_the_whole_scan() -> None:
    bleeding = np.zeros(40, np.int8)
    bleeding[10:30] = 1
    bleeding[9] = -1
    whole = np.ones(40, bool)
    whole[:2] = False
    chosen = keep(bleeding, whole)
    assert len(chosen) == KEPT
    assert chosen == sorted(set(chosen))
    assert bleeding[chosen].tolist().count(1) == KEPT_BLEEDING
    assert {2, 10, 29, 39} <= set(chosen)
    assert 9 not in chosen
    assert spread(np.arange(3), 8) == [0, 1, 2]
    assert keep(np.ones(5, np.int8), np.ones(5, bool)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("spacing", "step"), [(5.0, 1), (3.0, 2), (2.0, 2)])
def test_neighbours_are_as_far_away_as_networks_have_them(spacing: float, step: int) -> None:
    hu = np.zeros((9, 2, 2), np.float32)
    stack = Stack(hu, {}, np.ones(9, bool), spacing, 1.0)
    assert neighbours(stack, 4) == [4 - step, 4, 4 + step]
    assert neighbours(stack, 0) == [0, 0, step]


def test_a_later_bleed_takes_the_place_of_an_earlier_one(head: Head) -> None:
    one, two = ball(head, (0, 0, 12), 8, Subtype.SDH), ball(head, (0, 0, 18), 8, Subtype.SAH)
    left = without(one, two.mask)
    assert not (left.mask & two.mask).any()
    assert left.ml == left.mask.sum() / 1000 < one.ml


def test_slices_are_cropped_with_their_masks(stack: Stack) -> None:
    store = np.zeros((2 * KEPT, 3, SIDE, SIDE), np.uint8)
    rows, masks = write_slices(stack, 1, store)
    assert not store[:KEPT].any()
    for row in rows:
        picture = store[row["row"], 1].astype(float) * 80 / 255
        drawn = masks.get(row["key"])
        assert (row["any"] == 1) <= (drawn is not None)
        if row["any"] == 1:
            bits = np.kron(drawn, np.ones((2, 2), np.uint8))
            assert drawn.shape == (MASK_SIDE, MASK_SIDE)
            assert picture[(bits & 1) > 0].mean() > 35
            area = (drawn & 1).sum() * (2 * row["pixel_mm"]) ** 2
            whole = (masks_of(stack)[row["index"]] & 1).sum() * stack.pixel_mm**2
            assert area == pytest.approx(whole, rel=0.1)


def test_a_run_replaces_the_simulated_slices_alone(
    tmp_path: Path, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    row = ("ctich/a", "ctich", 0, "049", 3, 2, "0.1234567890123456789", "[[1, 0.5]]", *[0] * 6)
    pd.DataFrame([row], columns=COLUMNS).to_csv(cache / "index.csv", index=False)
    before = (cache / "index.csv").read_text()
    np.savez_compressed(cache / "masks.npz", **{"ctich/a": np.ones((2, 2), np.uint8)})
    for number in (0, 1):
        pixels = cache / "simulated.npy.partial"
        store = np.lib.format.open_memmap(pixels, "w+", np.uint8, (2 * KEPT, 3, SIDE, SIDE))
        rows, masks = write_slices(stack, number, store)
        simulated._merge(cache, pixels, [r | {"patient": "simulated_01"} for r in rows], masks)
    table = pd.read_csv(cache / "index.csv", dtype={"patient": str})
    assert (cache / "index.csv").read_text().startswith(before)
    assert table.columns.tolist() == list(COLUMNS)
    assert table.key.str.startswith("simulated/00001_").sum() == len(table) - 1 == len(rows)
    assert table.fold.tolist() == [2, *[FOLD] * len(rows)]
    assert set(np.load(cache / "masks.npz").files) == {"ctich/a", *masks}
    assert {p.name for p in cache.iterdir()} == {"index.csv", "masks.npz", "simulated.npy"}


def test_drawn_bleeds_share_no_voxel(able: Head) -> None:
    drawn = [draw_bleeds(able, np.random.default_rng([1, n])) for n in range(8)]
    assert {len(bleeds) for bleeds in drawn} >= {0, 1, 2}
    for bleeds in drawn:
        if bleeds:
            assert np.sum([b.mask for b in bleeds], axis=0).max() == 1
        assert all(0 < b.ml == b.mask.sum() / 1000 <= 75 for b in bleeds)


def test_the_number_of_workers_changes_nothing(
    tmp_path: Path, able: Head, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = able, Membranes.of(able)
    monkeypatch.setattr(simulated, "load_head", lambda file, mirrored: ready)
    # A fork keeps the toy head.
    monkeypatch.setattr(simulated, "get_context", lambda _: multiprocessing.get_context("fork"))
    for name in simulated.THREADS:
        monkeypatch.setenv(name, "1")
    data = maps(tmp_path / "data", 7)
    for workers in (1, 2):
        cache = tmp_path / str(workers)
        cache.mkdir()
        pd.DataFrame(columns=COLUMNS).to_csv(cache / "index.csv", index=False)
        assert build(data, cache, 2, workers) > KEPT
    one, two = tmp_path / "1", tmp_path / "2"
    for name in ("index.csv", "simulated.npy"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    assert np.load(one / "masks.npz").files == np.load(two / "masks.npz").files
    assert set(pd.read_csv(one / "index.csv").patient) == {"simulated_01"}


def test_blood_as_bright_as_bone_is_masked_but_leaves_its_slice_open() -> None:
    stack = flat({Subtype.SDH: layer(50)}, hu=250)
    masks = masks_of(stack)
    assert np.count_nonzero(masks) == 50
    assert labels_of(stack, masks).tolist() == [[-1, 0, 0, 0, 0, -1]]
