from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import ich_cli
from ich_cli.models.inventory import take_stock

SHIPPED = sorted(p.stem for p in (Path(__file__).parents[2] / "weights").glob("*.yaml"))


@pytest.mark.skipif(not SHIPPED, reason="no weights in this source tree")
def test_every_shipped_network_is_what_its_card_says() -> None:
    entries = [entry for entry in take_stock() if entry.name in SHIPPED]
    assert [entry.name for entry in entries] == SHIPPED
    assert [entry.problem for entry in entries if entry.problem] == []
    for entry in entries:
        assert entry.card is not None
        assert entry.card.name == entry.name
        assert "non-commercial" in entry.card.licence
        assert "not a medical device" in entry.card.intended_use


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_network_reads_a_lone_slice_and_sees_no_blood_in_air(name: str) -> None:
    network = ich_cli.load_model(name, device="cpu", threads=1)
    found = network.predict(np.full((1, 512, 512), -1000, np.int16), (5.0, 0.5, 0.5))
    assert found.probs.shape == (1, 6)
    assert found.probs[0, 0] < network.card.thresholds.slice[0]
    assert found.masks is not None
    assert found.masks.shape == (1, 6, 512, 512)
    assert not (found.masks[0, 0] >= network.card.thresholds.mask[0]).any()
