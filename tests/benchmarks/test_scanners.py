"""Each slice is read under a look, and compared with itself as it is."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("cv2", reason="needs the training extra (OpenCV)")
pytest.importorskip("pandas", reason="needs the training extra (pandas)")

from benchmarks.scanner_looks import other_scale
from benchmarks.scanners import Answers, cells, read
from training.data.sources import LabelledSlice, Stack


class Brightness:
    """Says of each slice how bright it is, and remembers the millimetres it was told."""

    def __init__(self) -> None:
        self.spacing_mm: list[tuple[float, float, float]] = []

    def predict(self, hu, spacing_mm, *, lazy_masks):
        self.spacing_mm.append(spacing_mm)
        self.probs = np.repeat(hu.mean((1, 2))[:, None] / 80, 6, 1)
        return self


def stack(patient: str, *levels: float) -> Stack:
    labels = np.array([1, 0, 1, 0, 0, 0])
    slices = [
        LabelledSlice(f"{patient}_{place}", np.full((8, 8), hu, np.float32), labels * (hu > 35))
        for place, hu in enumerate(levels)
    ]
    return Stack("ctich", patient, 0.5, slices)


def test_every_slice_is_read_as_the_look_shows_it() -> None:
    network = Brightness()
    found = read(network, [stack("a", 30, 40), stack("b", 20)], other_scale(1.0, 8.0))
    assert found.probability.tolist() == pytest.approx([38 / 80, 48 / 80, 28 / 80])
    assert found.blood.tolist() == [False, True, False]
    assert found.patient.tolist() == ["a", "a", "b"]
    assert network.spacing_mm == [(5.0, 0.5, 0.5)] * 2


def test_a_look_is_tested_against_the_slices_as_they_are() -> None:
    rng = np.random.default_rng(0)
    blood = np.arange(60) % 2 == 0
    patient = np.array([f"p{n}" for n in range(60)])
    plain = Answers(rng.random(60) + blood, blood, patient)
    worse = Answers(rng.random(60), blood, patient)
    assert cells(plain, plain)[1] == ""
    assert cells(worse, plain)[1] == "<0.001"
    assert cells(plain, plain)[0].startswith(("0.9", "1.0"))
