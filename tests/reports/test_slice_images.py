"""Pictures keep Hounsfield units, proportions and thin blood, and no identity."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ich_cli.domain import Volume, file_stem
from ich_cli.reports.slice_images import (
    HEAT,
    SliceImages,
    find_images,
    kept_slices,
    picture_size,
    to_hu,
    to_levels,
)
from tests.reports.html_example import head, labels


def test_levels_keep_one_unit_in_soft_tissue_and_tell_bone_from_metal() -> None:
    hu = np.arange(-40, 180, dtype=np.float32)
    assert np.array_equal(to_hu(to_levels(hu)), hu)
    hu = np.array([-1000, 300, 900, 1500, 3000], np.float32)
    assert np.abs(to_hu(to_levels(hu)) - [-40, 300, 900, 1500, 1580]).max() <= 20


def test_a_scan_is_stored_and_found(tmp_path: Path) -> None:
    volume = head(6)
    home = SliceImages(tmp_path).write("abc", volume, labels(volume, 2), key_slice=3)
    stored = find_images(tmp_path)["abc"]
    meta = stored.meta
    assert stored.folder == home
    assert (meta["indices"], meta["columns"], meta["n_slices"]) == ([0, 1, 2, 3, 4, 5], 3, 6)
    sheet = np.asarray(Image.open(stored.slices))
    assert sheet.shape == (2 * meta["height"], 3 * meta["width"])
    brain = to_hu(sheet[40:56, 30:40])
    assert brain.mean() == pytest.approx(35, abs=1.5)
    assert stored.labels is not None
    marks = np.asarray(Image.open(stored.labels))
    assert set(np.unique(marks)) == {0, 2}
    height, width = meta["height"], meta["width"]
    assert marks[height : 2 * height, :width].any()  # slice 3, second row
    assert not marks[:height, : 2 * width].any()  # slices 0 and 1


def test_no_uid_in_any_path_or_file(tmp_path: Path) -> None:
    name = file_stem("1.2.840.1", "1.2.840.2", 0)
    SliceImages(tmp_path).write(name, head(2))
    assert "840" not in "".join(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*"))
    assert name != file_stem("1.2.840.1", "1.2.840.2", 1)


def test_thin_series_are_thinned_but_keep_the_key_slice() -> None:
    thin = dataclasses.replace(head(40, size=16), spacing_mm=(0.6, 2.0, 2.0))
    kept = kept_slices(thin, key_slice=7)
    assert kept[:3] == [2, 6, 7]
    assert np.diff(kept).max() == 4
    assert kept_slices(head(3, size=16), None) == [0, 1, 2]


def test_proportions_of_oblong_pixels() -> None:
    volume: Volume = dataclasses.replace(head(1, size=64), spacing_mm=(5.0, 1.0, 2.0))
    assert picture_size(volume) == (32, 64)


def test_thin_blood_survives_the_reduction(tmp_path: Path) -> None:
    volume = head(1, size=512)
    crescent = np.zeros(volume.hu.shape, np.uint8)
    crescent[0, 100:300, 80:82] = 5  # two pixels wide
    SliceImages(tmp_path).write("a", volume, crescent)
    stored = find_images(tmp_path)["a"]
    assert stored.labels is not None
    assert (np.asarray(Image.open(stored.labels)) == 5).sum() >= 95


def test_heat_is_drawn_where_there_are_no_masks(tmp_path: Path) -> None:
    volume = head(2)
    heat = np.zeros(volume.hu.shape, np.float32)
    heat[1, 40:60, 40:60] = 1
    SliceImages(tmp_path).write("a", volume, heat=heat)
    stored = find_images(tmp_path)["a"]
    assert stored.labels is not None
    assert set(np.unique(np.asarray(Image.open(stored.labels)))) == {0, HEAT}


def test_writing_again_replaces_and_forgets_old_labels(tmp_path: Path) -> None:
    volume, writer = head(2), SliceImages(tmp_path)
    full = np.full(volume.hu.shape, 1, np.uint8)
    writer.write("a", volume, full)
    writer.write("a", volume)
    assert find_images(tmp_path)["a"].labels is None


def test_torn_folders_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "images" / "x").mkdir(parents=True)
    (tmp_path / "images" / "x" / "meta.json").write_text("{")
    (tmp_path / "images" / "y").mkdir()
    (tmp_path / "images" / "y" / "meta.json").write_text(json.dumps({"schema": 1}))
    assert find_images(tmp_path) == {}
    assert find_images(tmp_path / "none") == {}
