"""Slices of simulated scans in a cache: cropped, in the place of earlier ones."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("cv2", reason="needs the training extra (OpenCV)")
pytest.importorskip("nibabel", reason="needs the training extra (nibabel)")

from ich_cli.domain import Subtype
from tests.training.simulation.toy_head import ball, toy_head, with_regions
from training import simulated
from training.data.crop import MASK_SIDE, SIDE
from training.data.sources import LABEL_COLUMNS
from training.simulated import FOLD, build, plan, write_slices
from training.simulation.head import Head
from training.simulation.slices import KEPT, Stack, masks_of
from training.simulation.stacks import scan, training_heads
from training.simulation.tissue import Membranes

COLUMNS = ("key", "source", "row", "patient", "index", "fold", "pixel_mm", "boxes", *LABEL_COLUMNS)


@pytest.fixture(scope="module")
def head() -> Head:
    return toy_head()


@pytest.fixture(scope="module")
def able(head: Head) -> Head:
    return with_regions(head)


@pytest.fixture(scope="module")
def stack(head: Head) -> Stack:
    bleeds = [ball(head, (4, -6, 18), 9, Subtype.IPH), ball(head, (2, 10, -20), 8, Subtype.SAH)]
    return scan(head, Membranes.of(head), bleeds, np.random.default_rng(3))


def maps(root: Path, count: int = 20) -> Path:
    """A folder of label maps that hold nothing."""
    folder = root / "synthseg_labels"
    folder.mkdir(parents=True)
    for number in range(1, count + 1):
        (folder / f"training_seg_{number:02d}.nii.gz").touch()
    return root


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
