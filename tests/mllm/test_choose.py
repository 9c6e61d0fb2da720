"""The choice of slices shows what is suspicious and gives nothing away."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ich_cli.mllm.choose import choose_slices

ALL = np.ones(40, np.bool_)


def suspicion(*peaks: int, n: int = 40) -> np.ndarray:
    values = np.full(n, 0.01, np.float32)
    for peak in peaks:
        values = np.maximum(values, 0.9 * np.exp(-np.abs(np.arange(n) - peak) / 1.5))
    return values.astype(np.float32)


def test_most_suspicious_slice_is_shown() -> None:
    assert 23 in choose_slices(suspicion(23), ALL, 5.0, 6)


def test_two_distant_bleeds_are_both_shown() -> None:
    chosen = choose_slices(suspicion(8, 31), ALL, 5.0, 6)
    assert {8, 31} <= set(chosen)


def test_order_is_anatomical() -> None:
    chosen = choose_slices(suspicion(30), ALL, 5.0, 8)
    assert list(chosen) == sorted(chosen)


def test_number_does_not_tell_the_result() -> None:
    for values in (suspicion(), suspicion(20), suspicion(5, 15, 25)):
        assert len(choose_slices(values, ALL, 5.0, 7)) == 7


def test_thin_slices_are_kept_apart() -> None:
    values = suspicion(100, n=200)
    chosen = np.array(choose_slices(values, np.ones(200, np.bool_), 1.0, 6))
    assert np.diff(chosen).min() >= 5


def test_fillers_reach_the_far_end() -> None:
    chosen = choose_slices(suspicion(2), ALL, 5.0, 8)
    assert max(chosen) >= 30


def test_slices_without_head_are_never_shown() -> None:
    usable = ALL.copy()
    usable[:10] = usable[30:] = False
    chosen = choose_slices(suspicion(3, 35, 20), usable, 5.0, 12)
    assert len(chosen) == 12
    assert all(10 <= z < 30 for z in chosen)


@given(
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=60),
    st.integers(1, 20),
    st.floats(0.5, 10.0),
)
def test_any_scan_gives_as_many_as_wanted_or_all(values: list[float], count: int, z: float) -> None:
    usable = np.arange(len(values)) % 5 != 3
    chosen = choose_slices(np.array(values, np.float32), usable, z, count)
    assert len(chosen) == len(set(chosen)) == min(count, int(usable.sum()))
    assert all(usable[list(chosen)])
