"""The local card calls what was fitted, however near to 0 or 1 a threshold lies."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ich_cli.domain import LABELS
from ich_cli.evaluation.calibrate import LabelFit, LocalFit
from ich_cli.evaluation.fit import OperatingPoint
from ich_cli.evaluation.local_card import local_card

THRESHOLDS = (3.21e-6, 4.9e-9, 0.1234567, 0.7654321, 1.0 - 3.21e-6, 0.5)


def test_thresholds_keep_their_significant_digits(tmp_path: Path) -> None:
    labels = tuple(
        LabelFit(label, 20, 20, 1.2345678, 1.0, threshold, threshold)
        for label, threshold in zip(LABELS, THRESHOLDS, strict=True)
    )
    original = tmp_path / "resnet.yaml"
    original.write_text("name: resnet\n")
    fit = LocalFit(OperatingPoint("sensitivity", 0.95), labels, 40, 400, 40)
    card = yaml.safe_load(local_card(original, "resnet-local", fit, scan_head=False))
    for place in ("scan", "slice"):
        written = card["thresholds"][place]
        assert written == pytest.approx(THRESHOLDS, rel=1e-5, abs=0)
        assert [1.0 - p for p in written] == pytest.approx(
            [1.0 - p for p in THRESHOLDS], rel=1e-5, abs=0
        )
    assert card["calibration"]["temperature"] == [1.23457] * len(LABELS)
