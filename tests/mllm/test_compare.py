"""When two readers of one scan say the same."""

from __future__ import annotations

from typing import Any

import pytest

from ich_cli.domain import Side, Subtype
from ich_cli.mllm.answer import Region
from ich_cli.mllm.compare import coarse_regions, compare, jaccard
from ich_cli.mllm.vote import Reading
from tests.mllm.scans import assessment

IPH, IVH, SDH = Subtype.IPH, Subtype.IVH, Subtype.SDH


def theirs(**changes: Any) -> Reading:
    facts: dict[str, Any] = {
        "any": True,
        "subtypes": (IPH,),
        "side": Side.LEFT,
        "regions": (Region.DEEP_GREY,),
        "ml": 20.0,
    }
    return Reading(**(facts | changes))


def differs(ours: Any = None, **changes: Any) -> tuple[str, ...]:
    base = assessment(IPH, regions={"left putamen": 0.8}) if ours is None else ours
    return compare(theirs(**changes), base).differs


def test_all_the_same() -> None:
    result = compare(theirs(), assessment(IPH, regions={"left putamen": 0.8}))
    assert (result.tier, result.differs, result.subtypes_jaccard) == ("agree", (), 1.0)


def test_presence_decides_before_all_else() -> None:
    assert differs(ours=assessment(), side=Side.RIGHT) == ("presence",)
    assert compare(Reading(any=False), assessment(IPH)).tier == "disagree"
    assert compare(Reading(any=False), assessment()).tier == "agree"


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"subtypes": (SDH,)}, "subtypes"),
        ({"subtypes": (IPH, IVH, SDH)}, "subtypes"),
        ({"side": Side.RIGHT}, "side"),
        ({"side": Side.BILATERAL}, "side"),
        ({"regions": (Region.CEREBELLUM,)}, "region"),
        ({"ml": 90.0}, "ml"),
    ],
)
def test_one_part_makes_a_disagreement(changes: dict[str, Any], part: str) -> None:
    assert differs(**changes) == (part,)


@pytest.mark.parametrize(
    "changes",
    [
        {"subtypes": (IPH, IVH)},
        {"regions": (Region.DEEP_GREY, Region.TEMPORAL)},
        {"ml": 40.0},
        {"ml": 15.0},
        {"subtypes": (), "side": None, "regions": (), "ml": None},
    ],
)
def test_near_enough_or_left_open_is_no_difference(changes: dict[str, Any]) -> None:
    assert differs(**changes) == ()


def test_what_the_network_leaves_open_is_not_compared() -> None:
    ours = assessment(IPH, side=None, ml=None)
    assert differs(ours, side=Side.RIGHT, ml=500.0, regions=(Region.OCCIPITAL,)) == ()


def test_small_share_of_a_region_is_not_held_against_the_reader() -> None:
    ours = assessment(IPH, regions={"thalamus": 0.9, "frontal lobe": 0.05})
    assert differs(ours, regions=(Region.FRONTAL,)) == ("region",)
    assert differs(ours, regions=(Region.THALAMUS,)) == ()


def test_convexity_lies_over_a_lobe() -> None:
    ours = assessment(IPH, regions={"convexity": 1.0})
    assert differs(ours, regions=(Region.PARIETAL,)) == ()
    assert differs(ours, regions=(Region.BRAINSTEM,)) == ("region",)


@pytest.mark.parametrize(
    ("name", "region"),
    [
        ("left_frontal_lobe", Region.FRONTAL),
        ("Caudate nucleus", Region.DEEP_GREY),
        ("pons", Region.BRAINSTEM),
        ("right lateral ventricle", Region.VENTRICLES),
        ("basal cisterns", Region.CISTERNS),
        ("tentorium", Region.FALX_TENTORIUM),
    ],
)
def test_anatomical_names_become_coarse_regions(name: str, region: Region) -> None:
    assert region in coarse_regions([name])


def test_jaccard() -> None:
    assert jaccard([IPH, IVH], [IVH, SDH]) == pytest.approx(1 / 3)
    assert jaccard([], [IPH]) is None
