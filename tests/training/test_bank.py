"""Prepared samples: the same whoever makes them, and no fold drawn that is held out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="needs the training extra (PyTorch)")
pytest.importorskip("cv2", reason="needs the training extra (OpenCV)")

import torch

from training.bank import Bank, build
from training.data.crop import SIDE
from training.data.sources import LABEL_COLUMNS
from training.samples.augment import generator_on
from training.samples.dataset import NO_MIMIC, POOLS, SOURCES
from training.samples.mimic import KINDS

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bleeding and a clean slice in each of the folds 0 and 1."""
    folder = tmp_path_factory.mktemp("cache")
    rows = [
        {
            "key": f"rsna_slices/{k}",
            "source": "rsna_slices",
            "row": k,
            "patient": str(k),
            "index": 0,
            "fold": k // 2,
            "pixel_mm": 0.5,
            "boxes": "[]",
            **dict(zip(LABEL_COLUMNS, [k % 2, 0, k % 2, 0, 0, 0], strict=True)),
        }
        for k in range(4)
    ]
    pd.DataFrame(rows).to_csv(folder / "index.csv", index=False)
    np.save(
        folder / "rsna_slices.npy",
        np.arange(4, dtype=np.uint8)[:, None, None, None] * np.ones((1, SIDE, SIDE), np.uint8) * 40,
    )
    return folder


@pytest.fixture(scope="module")
def bank(cache: Path) -> Path:
    build((cache, [], [], None), cache / "bank", 40, workers=1)
    return cache / "bank"


def test_samples_are_the_same_whatever_the_number_of_workers(cache: Path, bank: Path) -> None:
    build((cache, [], [], None), cache / "again", 40, workers=2)
    for path in bank.glob("*.npy"):
        np.testing.assert_array_equal(np.load(path), np.load(cache / "again" / path.name))


def test_a_fold_that_is_held_out_is_never_drawn(bank: Path) -> None:
    stored = Bank(bank, CPU)
    drawn = stored.draw(stored.allowed([1]), 200, generator_on(CPU, 0))
    assert set(drawn["fold"].tolist()) == {0}
    assert set(drawn["image"][:, 0, 0, 0].tolist()) <= {0, 40}


def test_pools_and_mimics_can_be_left_out(bank: Path) -> None:
    stored = Bank(bank, CPU)
    stored.parts["mimic"] = torch.arange(40) % 5 + NO_MIMIC
    drawn = stored.draw(stored.allowed([], ["negative", "mimics"]), 200, generator_on(CPU, 0))
    assert {POOLS[k] for k in drawn["pool"].tolist()} == {"positive"}
    assert set(drawn["mimic"].tolist()) == {NO_MIMIC}


def test_a_source_can_be_left_out(bank: Path) -> None:
    stored = Bank(bank, CPU)
    stored.parts["source"] = torch.arange(40) % 2 + SOURCES.index("rsna_slices")
    left = stored.allowed([], ["rsna_slices"])
    assert len(left) == 20
    assert not (stored.parts["source"][left] == SOURCES.index("rsna_slices")).any()


def test_one_kind_of_mimic_can_be_left_out(bank: Path) -> None:
    stored = Bank(bank, CPU)
    stored.parts["mimic"] = torch.arange(40) % 5 + NO_MIMIC
    left = stored.parts["mimic"][stored.allowed([], ["shading"])].tolist()
    assert set(left) == set(range(NO_MIMIC, len(KINDS))) - {list(KINDS).index("shading")}


def test_what_nothing_is_called_cannot_be_left_out(bank: Path) -> None:
    with pytest.raises(SystemExit, match=r"called ct-ich; there are .*ctich"):
        Bank(bank, CPU).allowed([], ["ct-ich"])


def test_an_empty_bank_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"training\.bank"):
        Bank(tmp_path, CPU)


def test_a_bank_of_an_earlier_version_says_so(bank: Path, tmp_path: Path) -> None:
    for file in bank.glob("*.npy"):
        if file.stem != "source":
            (tmp_path / file.name).symlink_to(file)
    with pytest.raises(SystemExit, match="source of each sample: delete it"):
        Bank(tmp_path, CPU)
