"""Patients are drawn, not slices."""

from __future__ import annotations

import numpy as np
import pytest

from ich_cli.evaluation.bootstrap import clustered_bootstrap, members_by_name


def test_members_keep_the_order_of_appearance() -> None:
    members = members_by_name(["b", "a", "b"])
    assert {name: list(index) for name, index in members.items()} == {"b": [0, 2], "a": [1]}
    assert list(members) == ["b", "a"]


def test_interval_of_a_mean_matches_theory() -> None:
    values = np.random.default_rng(0).normal(10, 2, 200)
    interval = clustered_bootstrap(lambda i: float(values[i].mean()), np.arange(200), 1000)
    assert interval is not None
    half = 1.96 * values.std(ddof=1) / np.sqrt(200)
    assert interval.low == pytest.approx(values.mean() - half, abs=0.06)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.06)


def test_copies_of_a_patient_do_not_narrow_it() -> None:
    values = np.random.default_rng(0).normal(10, 2, 40)
    alone = clustered_bootstrap(lambda i: float(values[i].mean()), np.arange(40), 500)
    copies = np.repeat(values, 5)
    together = clustered_bootstrap(
        lambda i: float(copies[i].mean()), np.repeat(np.arange(40), 5), 500
    )
    assert alone is not None
    assert together is not None
    assert together.low == pytest.approx(alone.low)
    assert together.high == pytest.approx(alone.high)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.arange(30.0)
    first, second = (
        clustered_bootstrap(lambda i: float(values[i].mean()), np.arange(30), 100, seed=5)
        for _ in range(2)
    )
    assert first == second


def test_an_undefined_statistic_is_none_and_what_cannot_vary_has_no_interval() -> None:
    assert clustered_bootstrap(lambda i: float("nan"), [1, 2], 10) is None
    constant = clustered_bootstrap(lambda i: 0.9, ["p", "q", "r"], 10)
    assert constant is not None
    assert np.isnan(constant.low)
    single = clustered_bootstrap(lambda i: 1.0, ["p", "p"], 10)
    assert single is not None
    assert single.value == 1.0
    assert np.isnan(single.low)
