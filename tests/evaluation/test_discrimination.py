"""AUC, DeLong and thresholds, against brute force over all pairs and scikit-learn."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray

from ich_cli.evaluation.discrimination import (
    auc,
    delong_interval,
    delong_test,
    delong_variance,
    roc_curve,
    sensitivity_at_specificity,
    threshold_at_sensitivity,
    threshold_at_specificity,
)


def _cases(seed: int, n: int = 60) -> tuple[NDArray[np.int_], NDArray[np.float64]]:
    generator = np.random.default_rng(seed)
    y = generator.integers(0, 2, n)
    return y, np.round(generator.normal(y * 0.8, 1.0), 1)  # rounding makes ties


def _kernel(y: NDArray[np.int_], score: NDArray[np.float64]) -> NDArray[np.float64]:
    """ψ(X, Y) of DeLong 1988 for every pair of a positive and a negative."""
    x, z = score[y == 1][:, None], score[y == 0][None, :]
    return (x > z) + 0.5 * (x == z)


def _brute_covariance(y: NDArray[np.int_], *scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """DeLong's S10/m + S01/n straight from the definition, pair by pair."""
    kernels = [_kernel(y, s) for s in scores]
    v10 = np.stack([k.mean(axis=1) for k in kernels])
    v01 = np.stack([k.mean(axis=0) for k in kernels])
    return np.atleast_2d(np.cov(v10)) / v10.shape[1] + np.atleast_2d(np.cov(v01)) / v01.shape[1]


@pytest.mark.parametrize("seed", range(5))
def test_auc_is_the_share_of_pairs_in_order(seed: int) -> None:
    from sklearn.metrics import roc_auc_score

    y, score = _cases(seed)
    assert auc(y, score) == pytest.approx(_kernel(y, score).mean(), abs=1e-12)
    assert auc(y, score) == pytest.approx(roc_auc_score(y, score), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_delong_variance_equals_the_definition(seed: int) -> None:
    y, score = _cases(seed)
    assert delong_variance(y, score) == pytest.approx(_brute_covariance(y, score)[0, 0], rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_delong_test_equals_the_definition(seed: int) -> None:
    y, a = _cases(seed)
    b = a + np.random.default_rng(seed + 99).normal(0, 1, len(a))
    c = _brute_covariance(y, a, b)
    z = (_kernel(y, a).mean() - _kernel(y, b).mean()) / np.sqrt(c[0, 0] + c[1, 1] - 2 * c[0, 1])
    result = delong_test(y, a, b)
    assert result.z == pytest.approx(z, rel=1e-9)
    assert 0 < result.p < 1
    assert result.difference.low < result.difference.value < result.difference.high


def test_delong_by_hand_on_a_tiny_example() -> None:
    # positives 2, 3, 5; negatives 1, 4: V10 = 1/2, 1/2, 1; V01 = 1, 1/3
    y, score = [1, 1, 1, 0, 0], [2, 3, 5, 1, 4]
    assert auc(y, score) == pytest.approx(2 / 3)
    s10, s01 = np.var([0.5, 0.5, 1.0], ddof=1), np.var([1.0, 1 / 3], ddof=1)
    assert delong_variance(y, score) == pytest.approx(s10 / 3 + s01 / 2)


def test_delong_covers_the_true_auc_as_often_as_it_says() -> None:
    # two unit normals 1 apart: AUC = Φ(1/√2) = .7602
    generator, hits = np.random.default_rng(1), 0
    y = np.repeat([1, 0], 50)
    for _ in range(200):
        interval = delong_interval(y, generator.normal(y, 1.0))
        hits += interval.low <= 0.7602 <= interval.high
    assert 0.90 <= hits / 200 <= 0.985


def test_clustering_widens_the_interval_of_repeated_cases() -> None:
    y, score = _cases(3)
    patients = np.repeat(np.arange(len(y)), 4)
    clustered = delong_variance(np.repeat(y, 4), np.repeat(score, 4), patients)
    naive = delong_variance(np.repeat(y, 4), np.repeat(score, 4))
    assert clustered == pytest.approx(delong_variance(y, score), rel=1e-9)
    assert naive < clustered / 3


def test_a_perfect_separation_still_has_a_width() -> None:
    interval = delong_interval([1] * 5 + [0] * 5, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
    assert interval.value == interval.high == 1.0
    assert 0.5 < interval.low < 0.95


def test_one_positive_says_little_of_others() -> None:
    rng = np.random.default_rng(7)
    true, hits = NormalDist().cdf(1.2 / np.sqrt(2)), 0
    for _ in range(300):
        scores = np.concatenate([rng.normal(1.2, 1, 1), rng.normal(0, 1, 40)])
        interval = delong_interval([1] + [0] * 40, scores)
        hits += interval.low <= true <= interval.high
    assert hits / 300 > 0.9


@pytest.mark.parametrize("y", [[1, 0], [1, 1, 0, 0], [1, 0, 0, 0]])
def test_no_test_of_a_few_cases_that_all_agree(y: list[int]) -> None:
    scores = np.asarray(y, float)
    result = delong_test(y, scores, -scores)
    assert result.difference.value == 1.0
    assert np.isnan([result.p, result.z, result.difference.low]).all()


def test_the_same_scores_do_not_differ() -> None:
    y, score = _cases(2)
    result = delong_test(y, score, score * 2 + 1)
    assert (result.p, result.z, result.difference.value) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize("y", [[1, 1, 1], [0, 0, 0]])
def test_one_class_has_no_auc(y: list[int]) -> None:
    with pytest.raises(ValueError, match="at least one positive and one negative"):
        auc(y, [0.1, 0.2, 0.3])


def test_nan_scores_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        auc([0, 1], [np.nan, 1.0])


def test_operating_points() -> None:
    y = np.array([0] * 10 + [1] * 10)
    score = np.concatenate([np.arange(10), np.arange(10) + 4.5])
    # specificity .9 lets one negative (score 9) through: threshold just above 8
    assert sensitivity_at_specificity(y, score, 0.9) == pytest.approx(0.6)
    threshold = threshold_at_specificity(y, score, 0.9)
    assert (score[:10] < threshold).mean() == pytest.approx(0.9)
    threshold = threshold_at_sensitivity(y, score, 0.95)
    assert (score[10:] >= threshold).mean() == 1.0
    threshold = threshold_at_sensitivity(y, score, 0.9)
    assert (score[10:] >= threshold).mean() == pytest.approx(0.9)
    assert roc_curve(y, score)[0][0] == 0
