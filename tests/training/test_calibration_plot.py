"""Intercept and slope of probabilities whose fault is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("cv2")

from training import calibration_plot
from training.judging.heldout import Prediction

RNG = np.random.default_rng(0)
LOGIT = RNG.normal(-1, 1.5, 4000)
Y = RNG.random(4000) < 1 / (1 + np.exp(-LOGIT))
PATIENTS = np.arange(4000).astype(str)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def test_honest_probabilities_have_intercept_0_and_slope_1() -> None:
    intercept, slope = calibration_plot.recalibration(Y, sigmoid(LOGIT), PATIENTS)
    assert intercept.low < 0 < intercept.high
    assert slope.low < 1 < slope.high


@pytest.mark.parametrize(("shift", "stretch"), [(1.0, 1.0), (0.0, 2.0)])
def test_the_fault_is_found(shift: float, stretch: float) -> None:
    intercept, slope = calibration_plot.recalibration(Y, sigmoid(LOGIT * stretch + shift), PATIENTS)
    assert slope.value == pytest.approx(1 / stretch, abs=0.1)
    if stretch == 1:
        assert intercept.value == pytest.approx(-shift, abs=0.15)


def test_figures_are_of_natural_slices_only_and_the_plot_is_small(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    table = pd.DataFrame({"source": "rsna_slices", "patient": PATIENTS, "any": Y.astype(int)})
    table.loc[:999, "source"] = "ctich"
    found = Prediction(table, np.tile(sigmoid(LOGIT)[:, None], 6))
    figures = calibration_plot.calibration_figures(found)
    assert (figures["n"], figures["positives"]) == (3000, int(Y[1000:].sum()))
    assert figures["ece"] < 0.05
    calibration_plot.draw(tmp_path / "c.png", "net", found)
    assert (tmp_path / "c.png").stat().st_size < 60_000
