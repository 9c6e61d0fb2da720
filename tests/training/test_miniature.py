"""From the RSNA 2019 layout to a row of ``ich scan``, in small."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the training extra (PyTorch)")

from training.miniature import run


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("arch", ["resnet50", "vit_b16"])
def test_a_classifier_trained_on_the_layout_scans(
    shared_data: Path, tmp_path: Path, arch: str
) -> None:
    row = run(shared_data / "rsna_scans", tmp_path, arch, patients=2, size=64)
    assert row["status"] == "positive"
    (record,) = json.loads((tmp_path / f"results-{arch}" / "results.json").read_text())
    assert record["ml_reason"] == "the network has no mask output"
    assert all(row[name] == "" for name in row if name.endswith("_ml"))
