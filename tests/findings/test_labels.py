"""Blood counts where the network says that a slice bleeds, and just beside it."""

from __future__ import annotations

import numpy as np
import pytest

from ich_cli.findings.labels import slices_with_blood
from ich_cli.findings.policy import Policy

POLICY = Policy(slice=(0.2,) * 6)


def counted(probs: list[float], spacing_mm: float) -> list[int]:
    counts = slices_with_blood(
        np.array(probs, np.float32), np.full(len(probs), spacing_mm, np.float32), POLICY
    )
    return np.flatnonzero(counts).tolist()


@pytest.mark.parametrize("spacing_mm", [4.6, 5.0, 7.5, 10.0])
def test_a_called_slice_and_the_next_ones_count(spacing_mm: float) -> None:
    assert counted([0.01, 0.05, 0.1, 0.9, 0.1, 0.05, 0.01], spacing_mm) == [2, 3, 4]


def test_in_thin_slices_as_much_of_the_patient_counts() -> None:
    assert counted([0.01] * 6 + [0.9] + [0.01] * 6, 1.25) == list(range(2, 11))


def test_the_next_slice_is_measured_where_spacing_is_uneven() -> None:
    probs = np.array([0.01, 0.01, 0.9, 0.01, 0.01, 0.01], np.float32)
    slice_mm = np.array([2.5, 2.5, 2.5, 5.0, 7.5, 7.5], np.float32)
    assert np.flatnonzero(slices_with_blood(probs, slice_mm, POLICY)).tolist() == [0, 1, 2, 3]


def test_where_no_slice_is_called_every_slice_counts() -> None:
    assert counted([0.1, 0.15, 0.1], 5.0) == [0, 1, 2]
