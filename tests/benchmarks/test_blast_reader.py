"""How BLAST-CT is given a scan: the 1 mm grid, the cavity, tiles put together."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra (PyTorch)")

import torch

from benchmarks.blast_ct import MARGIN
from benchmarks.blast_reader import label, millimetre_grid, read, room
from ich_cli.domain import Volume
from training.simulation.scanner import Frame, Scanner
from training.simulation.scans import AXIAL


class Threshold:
    """Stands in for the network: IPH wherever normalised HU are above 0."""

    dtype = torch.float32

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        inner = x[:, :, MARGIN:-MARGIN, MARGIN:-MARGIN, MARGIN:-MARGIN]
        rest = torch.full_like(inner, -1.0)
        return torch.cat([torch.zeros_like(inner), inner, rest, rest, rest], dim=1)


def skull(depths: np.ndarray, tilt: float = 0.0) -> Volume:
    """A ball of brain in bone in scalp, with 70 HU within 10 mm of ``(10, -20, 15)``."""
    scanner = Scanner(depths, (0.8, 0.8), (200, 200), tilt, (0, 0, 0), AXIAL, 2.5)
    frame = Frame.of(scanner, np.zeros(3))
    points = np.stack([frame.points(z, 0.0) for z in range(len(depths))])
    away = np.linalg.norm(points, axis=2)
    hu = np.select([away < 60, away < 66, away < 72], [30.0, 1000.0, 40.0], -1000.0)
    hu[np.linalg.norm(points - np.array([10, -20, 15]), axis=2) < 10] = 70
    return frame.volume(hu.reshape(len(depths), 200, 200).astype(np.float32))


EVEN = np.arange(-70.0, 71, 2.5)
UNEVEN = np.concatenate([np.arange(-70.0, 0, 2.5), np.arange(0.0, 71, 5)])
BALL_ML = 4 / 3 * np.pi


@pytest.mark.parametrize(("depths", "tilt"), [(EVEN, 0.0), (EVEN, 10.0), (UNEVEN, 0.0)])
def test_a_round_head_is_round_on_the_millimetre_grid(depths: np.ndarray, tilt: float) -> None:
    hu = millimetre_grid(skull(depths, tilt))
    extent = [np.ptp(axis) for axis in np.nonzero(hu > -400)]
    assert extent == pytest.approx([2 * 70] * 3, abs=6)


def test_the_room_is_the_cavity_and_a_margin() -> None:
    hu = millimetre_grid(skull(EVEN))
    inside = room(hu)
    thin = hu[::2, ::2, ::2]
    brain = (thin > 25) & (thin < 35)
    parts = np.linalg.norm(np.argwhere(inside) - np.argwhere(brain).mean(axis=0), axis=1) * 2
    assert inside[brain].mean() > 0.97
    assert parts.max() < 76
    assert inside.mean() < 0.9


def test_without_bone_nothing_is_read() -> None:
    hu = np.full((60, 80, 80), -1000, np.float32)
    hu[10:50, 20:60, 20:60] = 60
    assert label(Threshold(), hu).sum() == 0


@pytest.mark.parametrize(("depths", "tilt"), [(EVEN, 0.0), (EVEN, 10.0), (UNEVEN, 0.0)])
def test_millilitres_of_a_tilted_and_an_uneven_scan(depths: np.ndarray, tilt: float) -> None:
    found = read(Threshold(), skull(depths, tilt))
    labels, hu = found.labels, millimetre_grid(skull(depths, tilt))
    soft = (labels == 1) & (hu < 75)
    centre = np.argwhere(soft & (hu > 65)).mean(axis=0)
    near = np.linalg.norm(np.argwhere(soft) - centre, axis=1) < 14
    assert near.sum() / 1000 == pytest.approx(BALL_ML, rel=0.12)
    assert found.blood_ml == pytest.approx((labels == 1).sum() / 1000)
