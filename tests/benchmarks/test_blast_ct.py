"""BLAST-CT's network: its size, its tiles, its published weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra (PyTorch)")

import torch

from benchmarks import blast_ct, blast_reader
from benchmarks.blast_ct import DeepMedic
from ich_cli.dicom.discover import discover
from ich_cli.dicom.select import select
from ich_cli.dicom.volume import load_volume


@pytest.fixture(scope="module")
def network() -> DeepMedic:
    torch.manual_seed(0)
    return DeepMedic().eval()


def test_it_has_as_many_parameters_as_the_published_one(network: DeepMedic) -> None:
    assert sum(p.numel() for p in network.parameters()) == blast_ct.PARAMETERS


def test_a_tile_loses_40_mm_on_each_side(network: DeepMedic) -> None:
    with torch.inference_mode():
        assert network(torch.zeros(1, 1, 95, 110, 95)).shape == (1, 5, 15, 30, 15)


@pytest.mark.parametrize("side", [80, 85, 94])
def test_a_tile_off_the_common_grid_is_refused(network: DeepMedic, side: int) -> None:
    with pytest.raises(ValueError, match="multiples of 15"):
        network(torch.zeros(1, 1, 95, 95, side))


def test_tiles_agree_where_they_meet(network: DeepMedic) -> None:
    x = torch.randn(1, 1, 95, 95, 110)
    with torch.inference_mode():
        whole, part = network(x), network(x[..., 15:])
    torch.testing.assert_close(whole[..., 15:], part, atol=1e-5, rtol=1e-4)


def test_each_pathway_sees_its_own_distance(network: DeepMedic) -> None:
    x = torch.randn(1, 1, 95, 95, 95)
    with torch.inference_mode():
        before = network(x)
        for offset, seen in ((7, True), (39, True), (45, False)):
            moved = x.clone()
            moved[0, 0, 47 + offset - offset % 5, 47, 47] += 50
            change = (network(moved) - before)[0, :, 5:10, 5:10, 5:10].abs().max()
            assert bool(change > 1e-7) is seen, offset


def test_hu_are_normalised_as_published() -> None:
    hu = torch.tensor([-1000.0, -15.0, 42.5, 100.0, 3000.0])
    assert blast_ct.normalise(hu).tolist() == [-1, -1, 0, 1, 1]


@pytest.mark.data
def test_the_published_checkpoint_fits_strictly(shared_data: Path) -> None:
    path = shared_data / "blast_ct" / "model_1.pt"
    stored = torch.load(path, map_location="cpu", weights_only=True)
    loaded = blast_ct.load(path)
    assert len(loaded.state_dict()) == len(stored)
    name = "path(3, 3, 3)1.path.4.conv.weight"
    torch.testing.assert_close(loaded.paths[1][3].conv.weight.data, stored[name])


@pytest.mark.data
@pytest.mark.slow
def test_it_finds_the_bleed_of_a_real_scan_only_when_upright(shared_data: Path) -> None:
    network = blast_ct.halve(blast_ct.load(shared_data / "blast_ct" / "model_1.pt"))
    (candidate,) = select(discover((shared_data / "rsna_volume",)).series).candidates
    hu = blast_reader.millimetre_grid(load_volume(candidate.series))
    low, size = (72, 90, 85), (45, 75, 75)
    upright = blast_reader.read_tile(network, hu, low, size)
    turned = (hu.shape[0] - low[0] - size[0], *low[1:])
    upside_down = blast_reader.read_tile(network, np.ascontiguousarray(hu[::-1]), turned, size)
    iph = blast_ct.CLASSES.index("iph")
    assert (upright == iph).sum() > 1500
    assert (upside_down == iph).sum() < 500
