"""What a training sample is told: labels, second opinions, outlines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="needs the training extra (PyTorch)")
pytest.importorskip("cv2", reason="needs the training extra (OpenCV)")

import torch

from training.data.crop import MASK_SIDE, SIDE
from training.data.sources import LABEL_COLUMNS
from training.samples.augment import unpack
from training.samples.dataset import DOUBT, OUTLINED, Samples

ROWS = (
    ("rsna_slices", "bleeds", 0, (1, 0, 1, 0, 0, 0)),
    ("rsna_slices", "clean", 1, (0, 0, 0, 0, 0, 0)),
    ("phe_sich", "unlabelled", 2, (-1, -1, -1, -1, -1, -1)),
)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Three slices of noise, with a second opinion and an outline for the one that bleeds."""
    rows = []
    pictures: dict[str, list[np.ndarray]] = {}
    for source, name, fold, labels in ROWS:
        store = pictures.setdefault(source, [])
        rows.append(
            {
                "key": f"{source}/{name}",
                "source": source,
                "row": len(store),
                "patient": name,
                "index": 0,
                "fold": fold,
                "pixel_mm": 0.5,
                "boxes": "[]",
                **dict(zip(LABEL_COLUMNS, labels, strict=True)),
            }
        )
        store.append(np.full((1, SIDE, SIDE), 100, np.uint8))
    for source, stacked in pictures.items():
        np.save(tmp_path / f"{source}.npy", np.stack(stacked))
    pd.DataFrame(rows).to_csv(tmp_path / "index.csv", index=False)
    keys = np.array([row["key"] for row in rows])
    logits = np.array([[4.0] * 6, [-8.0] * 6, [8, -8, 8, -8, -8, 0]], np.float32)
    np.savez(tmp_path / "teacher.npz", key=keys, vit=logits)
    outline = np.zeros((2, MASK_SIDE, MASK_SIDE), np.uint8)
    outline[0, 80:150, 80:150] = 0b101
    outline[1] = 0b101
    np.savez(tmp_path / "outlines.npz", **{keys[0]: outline})
    return tmp_path


def sample(samples: Samples, name: str) -> dict[str, np.ndarray]:
    table = pd.concat(samples.pools.values())
    row = table[table.patient == name].iloc[0]
    return samples._sample(row, "boxes", np.random.default_rng(0))


def layers(told: dict[str, np.ndarray], name: str) -> np.ndarray:
    """``(6, y, x)`` of the bits of one part."""
    return unpack(torch.from_numpy(told[name])[None])[0].numpy()


def test_a_second_opinion_doubts_a_label_but_does_not_replace_it(cache: Path) -> None:
    labels = sample(Samples(cache, [], [cache / "teacher.npz"]), "bleeds")["labels"]
    assert labels[0] > 0.95
    assert labels[1] == pytest.approx(DOUBT * 0.982, abs=0.01)


def test_without_an_opinion_labels_stay_as_they_were_given(cache: Path) -> None:
    samples = Samples(cache, [])
    assert sample(samples, "bleeds")["labels"].tolist() == [1, 0, 1, 0, 0, 0]
    assert not len(samples.pools["phe"])


def test_an_unlabelled_slice_takes_the_opinion_and_its_clear_negatives(cache: Path) -> None:
    told = sample(Samples(cache, [], [cache / "teacher.npz"]), "unlabelled")
    np.testing.assert_allclose(told["labels"], [1, 0, 1, 0, 0, 0.5], atol=0.01)
    assert layers(told, "known").max((1, 2)).tolist() == [0, 1, 0, 1, 1, 0]


def test_an_outline_by_networks_counts_less_than_one_by_hand(cache: Path) -> None:
    told = sample(Samples(cache, [], [], cache / "outlines.npz"), "bleeds")
    assert told["weight"].tolist() == pytest.approx([OUTLINED, 1, OUTLINED, 1, 1, 1])
    assert layers(told, "mask").sum((1, 2)).tolist() == [4900, 0, 4900, 0, 0, 0]
    assert layers(told, "known").min((1, 2)).tolist() == [1] * 6


def test_folds_that_are_held_out_are_never_drawn(cache: Path) -> None:
    samples = Samples(cache, [0, 2], [cache / "teacher.npz"])
    assert {name: len(pool) for name, pool in samples.pools.items()} == {
        "positive": 0,
        "negative": 1,
        "boxes": 0,
        "phe": 0,
        "inserted": 1,
        "simulated": 0,
    }
