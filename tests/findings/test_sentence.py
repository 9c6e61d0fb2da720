"""The plain sentence is made of the numbers and nothing else."""

from __future__ import annotations

from ich_cli.domain import SUBTYPES, Finding, Interval, Measurement, Side, Subtype
from ich_cli.findings.sentence import (
    amount,
    join_regions,
    location_of,
    main_regions,
    sentence,
)


def findings(**ml: Interval | None) -> list[Finding]:
    return [Finding(s, 0.9, s.value in ml, ml.get(s.value)) for s in SUBTYPES]


def test_largest_first_with_place_amount_and_shift() -> None:
    text = sentence(
        findings(IPH=Interval(24.1, 20.2, 28.3), IVH=Interval(3.0, 2.1, 4.0)),
        Interval(27, 23, 31),
        {Subtype.IPH: "left putamen", Subtype.IVH: "left and right lateral ventricle"},
        {"midline_shift_mm": Measurement(-4.2, "mm")},
    )
    assert text == (
        "Acute IPH, left putamen, 24.1 mL (20–28), with IVH, left and right lateral ventricle, "
        "3.0 mL (2.1–4.0); midline shift 4 mm to the right."
    )


def test_a_shift_within_the_error_of_measuring_is_not_spoken_of() -> None:
    text = sentence(findings(IPH=None), None, {}, {"midline_shift_mm": Measurement(0.8, "mm")})
    assert text == "Acute IPH."


def test_blood_without_a_called_subtype_is_called_so() -> None:
    assert sentence(findings(), Interval(5, 4, 6), {}, {}) == (
        "Intracranial haemorrhage of uncertain type, 5.0 mL (4.0–6.0)."
    )


def test_tiny_amounts_are_not_given_a_false_precision() -> None:
    assert amount(Interval(0.04, 0.0, 0.2)) == "< 0.1 mL"


def test_regions_of_one_side_name_it_once() -> None:
    assert join_regions(["left frontal lobe", "left insula"]) == "left frontal lobe and insula"
    assert join_regions(["left caudate", "right caudate", "brainstem"]) == (
        "left caudate, right caudate and brainstem"
    )


def test_traces_are_not_named() -> None:
    shares = {"left putamen": 0.55, "left insula": 0.3, "left thalamus": 0.08}
    assert main_regions(shares) == ["left putamen", "left insula"]
    assert main_regions({}) == []


def test_without_regions_side_and_level_are_said() -> None:
    assert location_of({}, Side.LEFT, "upper third of the scan") == "left, upper third of the scan"
    assert location_of({}, None, "") is None
