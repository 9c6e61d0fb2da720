"""Shards hold every slice once, whole, and give the crops that training has always seen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.training.rsna_layout import SIDE, write_labels, write_slice
from training.data.crop import SIDE as CROP
from training.data.crop import context_box
from training.data.pictures import ShardPictures
from training.data.rsna2019 import LABEL_FILE
from training.shards import build, require_room
from training.splits import fold_of


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """Three patients of four slices; slice *k* of each is a disc of 20 + 10 *k* HU."""
    root = tmp_path / "rsna"
    labels = {}
    for patient in "abc":
        for k in range(4):
            name = f"ID_{patient}{k}"
            y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
            hu = np.where(np.hypot(y, x * 1.2) < 20, 20.0 + 10 * k, -1000.0)
            write_slice(root / "stage_2_train", name, 5.0 * k, patient=f"ID_{patient}", hu=hu)
            labels[name] = (0, int(k == 1), 0, 0, 0)
    write_labels(root / LABEL_FILE, labels)
    return root


def test_every_slice_is_there_with_its_labels_and_its_patients_fold(
    layout: Path, tmp_path: Path
) -> None:
    build(layout, tmp_path / "cache", workers=1, per_shard=5)
    table = pd.read_csv(tmp_path / "cache" / "index.csv")
    assert len(table) == 12
    assert table["shard"].nunique() == 2  # whole stacks: eight slices, then four
    assert [fold_of(p) for p in table.patient] == table.fold.tolist()
    assert table["any"].tolist() == table.iph.tolist() == [0, 1, 0, 0] * 3


def test_a_crop_shows_the_slice_between_its_neighbours(layout: Path, tmp_path: Path) -> None:
    build(layout, tmp_path / "cache", workers=1)
    table = pd.read_csv(tmp_path / "cache" / "index.csv")
    picture = ShardPictures(tmp_path / "cache")
    middle = [picture(row)[:, CROP // 2, CROP // 2] / 255 * 80 for _, row in table[:4].iterrows()]
    wanted = [[20, 20, 30], [20, 30, 40], [30, 40, 50], [40, 50, 50]]
    np.testing.assert_allclose(middle, wanted, atol=0.5)


def test_a_crop_is_that_of_the_other_cache(layout: Path, tmp_path: Path) -> None:
    from ich_cli.models.headbox import head_box
    from ich_cli.models.resample import resample_box

    build(layout, tmp_path / "cache", workers=1)
    row = pd.read_csv(tmp_path / "cache" / "index.csv").iloc[3]
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    hu = np.where(np.hypot(y, x * 1.2) < 20, 50.0, 0.0).astype(np.float32)
    crop = resample_box(hu, context_box(head_box(hu, (4.0, 4.0))), (CROP, CROP)) * 255 / 80
    got = ShardPictures(tmp_path / "cache")(row)[1].astype(float)
    # The edge is drawn from 64 pixels directly, or by way of 512: it may lie a pixel off.
    assert np.mean(np.abs(got - crop)) < 4.0
    assert row.pixel_mm == pytest.approx(4.0 * 64 * (row.x1 - row.x0) / 512 / CROP, rel=1e-3)


def test_a_run_that_was_stopped_makes_only_what_is_missing(layout: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    build(layout, cache, workers=1, per_shard=4)
    kept = (cache / "shard_00000.npy").stat().st_mtime_ns
    whole = (cache / "index.csv").read_bytes()
    for name in ("shard_00001.csv", "index.csv"):
        (cache / name).unlink()
    build(layout, cache, workers=1, per_shard=4)
    assert (cache / "shard_00000.npy").stat().st_mtime_ns == kept
    assert (cache / "index.csv").read_bytes() == whole


def test_shards_of_other_files_are_not_gone_on_with(layout: Path, tmp_path: Path) -> None:
    build(layout, tmp_path / "cache", workers=1)
    (layout / "stage_2_train" / "ID_a0.dcm").unlink()
    with pytest.raises(SystemExit, match="made from other files; use an empty folder"):
        build(layout, tmp_path / "cache", workers=1)


def test_a_folder_without_labelled_dicom_is_refused(tmp_path: Path) -> None:
    write_labels(tmp_path / LABEL_FILE, {"ID_1": (0, 0, 0, 0, 0)})
    with pytest.raises(SystemExit, match="no DICOM file of an image"):
        build(tmp_path, tmp_path / "cache", workers=1)


def test_files_that_cannot_be_read_are_named_and_never_counted_as_without_blood(
    layout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = layout / "stage_2_train"
    cut_short, nonsense = folder / "ID_a0.dcm", folder / "ID_b0.dcm"
    cut_short.write_bytes(cut_short.read_bytes()[:-2000])
    nonsense.write_bytes(b"not DICOM at all" * 20)
    build(layout, tmp_path / "cache", workers=1)
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"no header": "ID_b0.dcm"} in said
    assert {"no pixels": "ID_a0.dcm"} in said
    assert said[-1] == {"labelled": 12, "files": 12, "slices": 10}
    keys = pd.read_csv(tmp_path / "cache" / "index.csv").key
    assert not keys.isin(("rsna2019/ID_a0", "rsna2019/ID_b0")).any()


def test_a_disk_that_is_too_small_is_refused_before_it_is_full(tmp_path: Path) -> None:
    require_room(tmp_path, 1)
    with pytest.raises(SystemExit, match=r"1,000,000 GB are needed; give a cache on a larger disk"):
        require_room(tmp_path, 10**15)
