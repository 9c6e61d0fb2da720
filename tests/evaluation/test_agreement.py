"""Paired readers against textbook tables."""

from __future__ import annotations

import numpy as np
import pytest

from ich_cli.evaluation.agreement import kappa, mcnemar


def _readers(both: int, only_a: int, only_b: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    a = np.repeat([1, 1, 0, 0], [both, only_a, only_b, neither])
    b = np.repeat([1, 0, 1, 0], [both, only_a, only_b, neither])
    return a, b


def test_mcnemar_of_approval_ratings() -> None:
    # approval ratings of 1,600 voters, asked twice (Agresti, Categorical Data Analysis, ch. 10)
    result = mcnemar(*_readers(794, 150, 86, 570))
    assert (result.only_a_right, result.only_b_right, result.exact) == (150, 86, False)
    assert result.statistic == pytest.approx(17.356, abs=0.001)  # (150-86)²/(150+86)
    assert result.p == pytest.approx(3.1e-5, abs=1e-6)


def test_few_discordant_pairs_are_tested_exactly() -> None:
    result = mcnemar(*_readers(10, 5, 0, 5))
    assert result.exact
    assert result.p == pytest.approx(2 * 0.5**5)


def test_readers_that_never_differ() -> None:
    assert mcnemar([1, 0], [1, 0]).p == 1.0


def test_kappa_as_cohen() -> None:
    # 2 × 2 with observed agreement .70 and chance .50: kappa .40
    assert kappa(*_readers(20, 5, 10, 15)) == pytest.approx(0.4)


def test_kappa_of_one_word_is_not_defined() -> None:
    assert kappa(["yes", "yes"], ["yes", "yes"]) is None
