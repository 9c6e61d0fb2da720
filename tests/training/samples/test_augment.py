"""What moving a sample and giving it another look may change, and what not."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra (PyTorch)")
pytest.importorskip("cv2", reason="needs the training extra (OpenCV)")

import torch

from training.data.crop import MASK_SIDE, SIDE
from training.samples.augment import augment, generator_on, look, unpack

CPU = torch.device("cpu")
SIZE, SMALL = 112, 32


def batch(n: int = 8) -> dict[str, torch.Tensor]:
    """A bright square off the middle, its mask (labels 0 and 2), the whole known and boxed."""
    image = np.full((n, 3, SIDE, SIDE), 60, np.uint8)
    image[:, :, 160:260, 190:290] = 200
    mask = np.zeros((n, MASK_SIDE, MASK_SIDE), np.uint8)
    mask[:, 80:130, 95:145] = 0b101
    weight = np.ones((n, 6), np.float32)
    weight[:, 2] = 0.4
    return {
        "image": torch.from_numpy(image),
        "labels": torch.tensor([[1.0, 0, 1, 0, 0, -1]]).repeat(n, 1),
        "mask": torch.from_numpy(mask),
        "known": torch.full((n, MASK_SIDE, MASK_SIDE), 0b111111, dtype=torch.uint8),
        "boxes": torch.from_numpy(mask & 1),
        "weight": torch.from_numpy(weight),
    }


def test_every_bit_becomes_the_layer_of_its_label() -> None:
    layers = unpack(torch.tensor([[[0b100001]]], dtype=torch.uint8))
    assert layers.flatten().tolist() == [1, 0, 0, 0, 0, 1]


def test_a_view_has_the_shapes_and_ranges_that_the_losses_take() -> None:
    view = augment(batch(), SIZE, SMALL, generator_on(CPU, 0))
    assert view["image"].shape == (8, 3, SIZE, SIZE)
    assert view["mask"].shape == view["known"].shape == view["boxes"].shape == (8, 6, SMALL, SMALL)
    assert view["image"].min() >= 0
    assert view["image"].max() <= 1
    assert torch.equal(view["labels"], batch()["labels"])


def test_the_mask_moves_with_the_picture() -> None:
    view = augment(batch(32), SIZE, SMALL, generator_on(CPU, 1))
    bright = torch.nn.functional.adaptive_avg_pool2d(view["image"][:, 1:2], SMALL)[:, 0]
    mask = view["mask"][:, 0]
    for picture, where in zip(bright, mask, strict=True):
        inside, outside = picture[where > 0.99], picture[where < 0.01]
        assert inside.numel() > 10
        assert inside.median() > outside.median() + 0.2


def test_what_is_known_counts_by_its_weight() -> None:
    known = augment(batch(), SIZE, SMALL, generator_on(CPU, 2))["known"]
    middle = known[:, :, SMALL // 2, SMALL // 2]
    assert torch.allclose(middle[:, 2], torch.full((8,), 0.4))
    assert torch.allclose(middle[:, 1], torch.ones(8))


def test_mirrored_and_upright_views_are_both_drawn() -> None:
    picture = batch(40)
    picture["image"][:, :, :, : SIDE // 2] = 0
    view = augment(picture, SIZE, SMALL, generator_on(CPU, 3))["image"][:, 1]
    left = view[:, :, : SIZE // 2].mean((1, 2)) > view[:, :, SIZE // 2 :].mean((1, 2))
    assert 8 < left.sum() < 32


def test_the_same_generator_makes_the_same_view_and_another_another() -> None:
    first, again = (augment(batch(), SIZE, SMALL, generator_on(CPU, 7, 1)) for _ in range(2))
    other = augment(batch(), SIZE, SMALL, generator_on(CPU, 7, 2))
    assert torch.equal(first["image"], again["image"])
    assert not torch.equal(first["image"], other["image"])


def test_air_stays_air_whatever_the_scanner() -> None:
    air = look(torch.zeros(30, 3, 64, 64), generator_on(CPU, 4))
    assert air.abs().max() == 0
