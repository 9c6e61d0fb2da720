"""Patients stay on one side of every split, on every machine."""

from __future__ import annotations

from collections import Counter

from training.splits import FOLDS, fold_of

KNOWN = [1, 4, 4, 2, 1, 4]
"""Folds of CT-ICH patients 49…54, as the shipped networks were trained."""


def test_the_fold_of_a_patient_never_changes() -> None:
    assert [fold_of(f"ctich_{n:03d}") for n in range(49, 55)] == KNOWN


def test_folds_are_of_similar_size() -> None:
    counts = Counter(fold_of(f"patient {n}") for n in range(5000))
    assert set(counts) == set(range(FOLDS))
    assert min(counts.values()) > 900
