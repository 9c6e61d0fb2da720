"""Unknown is not negative; several rows of one scan are one truth."""

from __future__ import annotations

import pytest

from ich_cli.errors import UsageError
from ich_cli.evaluation.labels import (
    Truth,
    complete,
    merge,
    parse_flag,
    parse_number,
    parse_side,
)


def test_any_follows_from_the_subtypes() -> None:
    assert complete({"SDH": True})["any"] is True
    assert complete(dict.fromkeys(["EDH", "IPH", "IVH", "SAH", "SDH"], False))["any"] is False
    assert complete({"SDH": False})["any"] is None


def test_no_blood_means_no_blood_of_any_kind() -> None:
    assert complete({"any": False}) == dict.fromkeys(
        ["any", "EDH", "IPH", "IVH", "SAH", "SDH"], False
    )
    assert complete({"any": True})["EDH"] is None


def test_two_bleeds_of_one_scan() -> None:
    a = Truth("x", complete({"IPH": True}), {"total": 10.0}, side="left", region="frontal")
    b = Truth("x", complete({"SDH": True}), {"total": 30.0}, side="right", region="convexity")
    merged = merge([a, b])["x"]
    assert merged.ml["total"] == 40
    assert merged.side == "bilateral"
    assert merged.region == "convexity"
    assert merged.present["IPH"] is True
    assert merged.present["EDH"] is None


def test_the_region_is_that_with_most_of_the_blood() -> None:
    found = (("frontal", 10.0), ("falx", 8.0), ("thalamus", 15.0))
    rows = [Truth("x", {}, {"total": ml}, region=region) for region, ml in found]
    assert merge(rows)["x"].region == "thalamus"


def test_a_bleed_of_unknown_size_makes_the_sum_unknown() -> None:
    rows = [Truth("x", {}, {"total": 10.0, "IPH": 10.0}), Truth("x", {}, {"total": None})]
    assert merge(rows)["x"].ml == {"total": None, "IPH": 10.0}


def test_sides_of_several_bleeds() -> None:
    def side(*sides: str | None) -> str | None:
        return merge([Truth("x", {}, side=word) for word in sides])["x"].side

    assert side("left", "right") == side("bilateral", "left") == "bilateral"
    assert side("midline", "left") == side(None, "left") == side("left", "left") == "left"
    assert side("midline", None) == "midline"


def test_unknown_and_negative_make_unknown() -> None:
    a, b = Truth("x", {"any": False}), Truth("x", {"any": None})
    assert merge([a, b])["x"].present["any"] is None


def test_cells() -> None:
    assert [parse_flag(t, "") for t in ("1", "0", "", " yes ", None)] == [
        True,
        False,
        None,
        True,
        None,
    ]
    assert parse_number("", "") is None
    assert parse_number("3.5", "") == 3.5


@pytest.mark.parametrize("text", ["2", "maybe", "-"])
def test_a_flag_that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match=r"line 7: .* is neither 0 nor 1"):
        parse_flag(text, "line 7")


@pytest.mark.parametrize(
    ("text", "side"),
    [("L", "left"), (" Right ", "right"), ("both", "bilateral"), ("", None), (None, None)],
)
def test_sides_as_tables_write_them(text: str | None, side: str | None) -> None:
    assert parse_side(text, "") == side


def test_a_side_that_is_none() -> None:
    with pytest.raises(UsageError, match=r"line 7: 'ipsilateral' is no side"):
        parse_side("ipsilateral", "line 7")


@pytest.mark.parametrize("text", ["x", "-1", "inf", "nan"])
def test_a_number_that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="line 7"):
        parse_number(text, "line 7")
