"""Agreement in volume, against the examples of the papers themselves."""

from __future__ import annotations

import numpy as np
import pytest

from ich_cli.evaluation.volume_agreement import (
    bland_altman,
    concordance,
    icc_2_1,
    large_agreement,
    mean_absolute_error,
    within_tolerance,
)

# Bland and Altman, Lancet 1986, table 1: peak flow (l/min), first readings
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
# Shrout and Fleiss, Psychol Bull 1979, table 2: four judges, six targets
JUDGES = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_bland_altman_1986() -> None:
    result = bland_altman(WRIGHT, MINI)
    assert result.bias.value == pytest.approx(-2.1, abs=0.05)
    assert result.sd == pytest.approx(38.8, abs=0.05)
    # the paper uses 2 SD for the limits (−79.7, 75.5) and gives these intervals
    assert result.bias.value - 2 * result.sd == pytest.approx(-79.7, abs=0.1)
    assert (result.bias.low, result.bias.high) == pytest.approx((-22.0, 17.8), abs=0.15)
    assert result.upper.value == pytest.approx(result.bias.value + 1.96 * result.sd)


def test_concordance_of_the_peak_flow_data() -> None:
    # published for these data (Stata's concord and R's epi.ccc manuals): rho_c = 0.943
    ccc = concordance(WRIGHT, MINI)
    assert ccc.value == pytest.approx(0.943, abs=0.0005)
    assert ccc.low < 0.943 < ccc.high


def test_icc_2_1_of_shrout_and_fleiss() -> None:
    assert icc_2_1(JUDGES) == pytest.approx(0.29, abs=0.005)


def test_identical_readings_agree_fully() -> None:
    x = np.array([0.0, 3.0, 40.0])
    assert concordance(x, x).value == pytest.approx(1.0)
    assert icc_2_1(np.stack([x, x], axis=1)) == pytest.approx(1.0)
    assert mean_absolute_error(x, x) == 0


def test_a_constant_shift_lowers_concordance_but_not_the_spread() -> None:
    x = np.arange(20.0)
    assert concordance(x + 10, x).value < 0.5
    assert bland_altman(x + 10, x).sd == pytest.approx(0)
    assert bland_altman(x + 10, x).bias.value == pytest.approx(10)


def test_tolerance_is_a_tenth_or_one_ml() -> None:
    assert list(within_tolerance([0.9, 2.1, 44.0, 46.0], [0.0, 1.0, 40.0, 40.0])) == [
        True,
        False,
        True,
        False,
    ]


def test_large_is_thirty_and_more() -> None:
    table = large_agreement([29.9, 30.0, 31.0, 5.0], [30.0, 30.0, 10.0, 4.0])
    assert (table.tp, table.fp, table.fn, table.tn) == (1, 1, 1, 1)


@pytest.mark.parametrize("pairs", [[], [1.0]])
def test_too_few_pairs_are_refused(pairs: list[float]) -> None:
    with pytest.raises(ValueError, match="at least two"):
        bland_altman(pairs, pairs)
    with pytest.raises(ValueError, match="at least three"):
        concordance(pairs, pairs)


def test_readings_that_never_vary_have_no_concordance() -> None:
    with pytest.raises(ValueError, match="varies"):
        concordance([1.0, 1.0, 1.0], [1.0, 1.0, 1.0])
