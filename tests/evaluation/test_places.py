"""Names of one place from three sources."""

from __future__ import annotations

import pytest

from ich_cli.evaluation.places import coarse, same_place


@pytest.mark.parametrize(
    ("said", "truth"),
    [
        ("left putamen", "basal_ganglia"),
        ("right lateral ventricle", "lateral"),
        ("deep_grey", "Thalamus"),
        ("left Sylvian fissure", "sylvian"),
        ("left frontal convexity", "convexity"),
        ("basal cisterns", "basal_cisterns"),
        ("uncus", "Uncus"),
    ],
)
def test_one_place_in_other_words(said: str, truth: str) -> None:
    assert same_place(said, truth)


@pytest.mark.parametrize(
    ("said", "truth"),
    [("left temporal lobe", "frontal"), ("falx", "tentorium"), (None, "frontal"), ("", "frontal")],
)
def test_other_places(said: str | None, truth: str) -> None:
    assert not same_place(said, truth)


def test_a_name_nobody_knows_is_no_place() -> None:
    assert coarse("uncus") == frozenset()
