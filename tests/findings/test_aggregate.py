"""From slices to the scan."""

from __future__ import annotations

import numpy as np
import pytest

from ich_cli.domain import SlicePrediction, Status
from ich_cli.findings.aggregate import pool_slices, scan_probabilities, scan_status, smooth_along_z
from ich_cli.findings.policy import Policy
from tests.findings.heads import Scan, scan_head

RANK, SMOOTH = Policy(pooling="rank", rank=2), Policy(pooling="smooth_max")


def column(values: list[float]) -> np.ndarray:
    return np.repeat(np.asarray(values, np.float32)[:, None], 6, axis=1)


@pytest.mark.parametrize("policy", [RANK, SMOOTH])
def test_one_odd_slice_does_not_make_a_scan(policy: Policy) -> None:
    odd = column([0.02] * 10 + [0.98] + [0.02] * 10)
    real = column([0.02] * 10 + [0.98, 0.95] + [0.02] * 9)
    length = np.full(21, 5.0, np.float32)
    assert pool_slices(odd, length, policy)[0] < 0.65
    assert pool_slices(real, length, policy)[0] > 0.9


@pytest.mark.parametrize("policy", [RANK, SMOOTH])
def test_a_thin_series_counts_as_the_thick_one_it_could_have_been(policy: Policy) -> None:
    profile = np.interp(np.arange(0, 150, 0.625), [60, 70, 80, 90], [0.02, 0.9, 0.9, 0.02])
    thin = column(list(profile))
    thick = column(list(profile.reshape(-1, 8).mean(axis=1)))
    from_thin = pool_slices(thin, np.full(240, 0.625, np.float32), policy)[0]
    from_thick = pool_slices(thick, np.full(30, 5.0, np.float32), policy)[0]
    assert from_thin == pytest.approx(from_thick, abs=0.12)
    flicker = thin.copy() * 0 + 0.02
    flicker[100:102] = 0.99
    assert pool_slices(flicker, np.full(240, 0.625, np.float32), policy)[0] < 0.4


def test_rank_two_is_the_second_slice_of_a_routine_series() -> None:
    probs = column([0.1, 0.7, 0.2, 0.9, 0.3])
    for spacing in (4.6, 5.0, 7.5):
        assert pool_slices(probs, np.full(5, spacing, np.float32), RANK)[0] == pytest.approx(0.7)
    first = Policy(pooling="rank", rank=1)
    assert pool_slices(probs, np.full(5, 5.0, np.float32), first)[0] == pytest.approx(0.9)


@pytest.mark.parametrize("rank", [1, 2, 3, 4])
@pytest.mark.parametrize("spacing", [4.6, 5.0, 7.5])
def test_any_rank_counts_routine_slices(rank: int, spacing: float) -> None:
    probs = column([0.1, 0.7, 0.2, 0.9, 0.3])
    pooled = pool_slices(probs, np.full(5, spacing, np.float32), Policy(pooling="rank", rank=rank))
    assert pooled[0] == pytest.approx(sorted(probs[:, 0])[-rank])


@pytest.mark.parametrize("spacing", [0.625, 1.0, 1.25, 2.5, 4.5])
def test_what_a_header_rounds_off_a_position_decides_nothing(spacing: float) -> None:
    rng = np.random.default_rng(0)
    probs = column(list(np.interp(np.arange(0, 100, spacing), [40, 50, 60], [0.05, 0.95, 0.05])))
    exact = np.full(len(probs), spacing, np.float32)
    rounded = exact + rng.uniform(-5e-4, 5e-4, len(exact)).astype(np.float32)
    for policy in (RANK, SMOOTH):
        pooled = pool_slices(probs, rounded, policy)
        assert pooled == pytest.approx(pool_slices(probs, exact, policy), abs=1e-3)


def test_a_lone_slice_speaks_for_itself() -> None:
    for policy in (RANK, SMOOTH):
        assert pool_slices(column([0.8]), np.array([5.0], np.float32), policy)[0] == pytest.approx(
            0.8
        )


def test_a_few_slices_are_pooled_within_their_own_range() -> None:
    probs = column([0.2, 0.6, 0.4])
    for policy in (RANK, SMOOTH):
        for spacing in (0.6, 2.5, 5.0, 10.0):
            pooled = pool_slices(probs, np.full(3, spacing, np.float32), policy)[0]
            assert 0.2 <= pooled <= 0.6


def test_smoothing_keeps_the_mean_of_a_constant_and_leaves_thick_slices_alone() -> None:
    constant = np.full((12, 6), 0.3)
    assert smooth_along_z(constant, np.full(12, 1.25, np.float32)) == pytest.approx(constant)
    thick = np.random.default_rng(0).random((12, 6))
    assert smooth_along_z(thick, np.full(12, 5.0, np.float32)) == pytest.approx(thick)


def test_the_networks_own_scan_head_is_taken_where_there_is_one() -> None:
    volume, _ = scan_head(Scan(size=(5, 40, 40), spacing_mm=(5, 5, 5)))
    own = np.array([0.9, 0.1, 0.8, 0.1, 0.1, 0.1], np.float32)
    prediction = SlicePrediction(column([0.1] * 5), scan_probs=own)
    assert scan_probabilities(prediction, volume, RANK) == pytest.approx(own)


@pytest.mark.parametrize(
    ("probability", "status"),
    [(0.5, Status.POSITIVE), (0.45, Status.INDETERMINATE), (0.2, Status.NEGATIVE)],
)
def test_just_below_the_threshold_is_indeterminate(probability: float, status: Status) -> None:
    assert scan_status(probability, Policy()) is status


def test_the_band_follows_the_odds_so_that_low_thresholds_keep_a_negative_range() -> None:
    low = Policy(scan=(0.05, *(0.5,) * 5))
    assert 0.02 < low.indeterminate_from < 0.05
    assert Policy(scan=(0.0, *(0.5,) * 5)).indeterminate_from == 0.0


def test_impossible_thresholds_are_refused() -> None:
    with pytest.raises(ValueError, match="scan thresholds"):
        Policy(scan=(0.5,) * 5)
    with pytest.raises(ValueError, match="mask thresholds"):
        Policy(mask=(1.5,) * 6)
