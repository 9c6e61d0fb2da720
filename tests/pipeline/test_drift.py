from __future__ import annotations

import math
import random
from collections import Counter

import pytest

from ich_cli.pipeline.drift import Level, ScanFacts, Shift, compare, psi, two_shares_p


def population(count: int, seed: int, **changes: object) -> list[ScanFacts]:
    """Scans of an ordinary hospital: 12 % positive, 5 mm, two scanners, 3 % unread."""
    draw = random.Random(seed)
    positive = float(str(changes.get("positive", 0.12)))
    unread = float(str(changes.get("unread", 0.03)))
    scans = []
    for _ in range(count):
        maker = draw.choice(["SIEMENS", "SIEMENS", "GE MEDICAL SYSTEMS"])
        if "maker" in changes and draw.random() < 0.5:
            maker = str(changes["maker"])
        if draw.random() < unread:
            scans.append(ScanFacts("not_analysable", manufacturer=maker))
            continue
        bleeds = draw.random() < positive
        score = draw.betavariate(8, 2) if bleeds else draw.betavariate(1, 12)
        score = min(1.0, score + float(str(changes.get("brighter", 0.0))))
        tier = draw.choices(["agree", "disagree", "unavailable"], [0.8, 0.1, 0.1])[0]
        scans.append(
            ScanFacts(
                "positive" if score > 0.5 else "negative",
                score,
                float(str(changes.get("spacing", draw.choice([5.0, 5.0, 2.0])))),
                float(str(changes.get("kvp", 120))),
                maker,
                tier,
            )
        )
    return scans


def by_name(shifts: tuple[Shift, ...]) -> dict[str, Shift]:
    return {shift.name: shift for shift in shifts}


def test_the_index_is_that_of_a_worked_example() -> None:
    # 100 and 100 scans in two classes, 50:50 against 80:20, half a scan added to each:
    # (.5 − .79702970) ln(.5/.79702970) + (.5 − .20297030) ln(.5/.20297030) = .40634
    value = psi(Counter(a=50, b=50), Counter(a=80, b=20))
    r, q = 80.5 / 101, 20.5 / 101
    assert value == pytest.approx((0.5 - r) * math.log(0.5 / r) + (0.5 - q) * math.log(0.5 / q))
    assert value == pytest.approx(0.4063, abs=5e-4)


def test_an_index_of_equal_shares_is_nought() -> None:
    assert psi(Counter(a=30, b=70), Counter(a=30, b=70)) == pytest.approx(0)


def test_the_p_value_is_that_of_a_published_z_test() -> None:
    # 15 of 100 against 30 of 100: pooled z = −2.5400, two-sided p = .0111
    assert two_shares_p(15, 100, 30, 100) == pytest.approx(0.0111, abs=2e-4)


def test_nothing_drifts_where_nothing_changed() -> None:
    for seed in range(5):
        shifts = compare(population(300, seed), population(2000, 100 + seed))
        assert {s.level for s in shifts} <= {Level.STEADY, Level.NOTICE}
        assert sum(s.level is Level.NOTICE for s in shifts) <= 1


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("positive_rate", {"positive": 0.35}),
        ("score", {"brighter": 0.15}),
        ("not_analysed_share", {"unread": 0.25}),
        ("spacing_mm", {"spacing": 1.0}),
        ("kvp", {"kvp": 100}),
        ("manufacturer", {"maker": "CANON"}),
    ],
)
def test_what_changed_is_what_is_named(name: str, change: dict[str, object]) -> None:
    shifts = by_name(compare(population(300, 1, **change), population(2000, 2)))
    assert shifts[name].level is Level.SHIFT


def test_a_second_reader_that_no_longer_agrees_is_seen() -> None:
    reference = population(2000, 2)
    recent = [
        ScanFacts("negative", 0.1, 5.0, 120.0, "SIEMENS", "disagree" if n % 2 else "agree")
        for n in range(200)
    ]
    shift = by_name(compare(recent, reference))["second_reader_agreement"]
    assert shift.level is Level.SHIFT
    assert shift.recent == pytest.approx(0.5)


def test_a_few_scans_say_nothing() -> None:
    shifts = compare(population(10, 1, positive=0.9), population(2000, 2))
    assert {shift.level for shift in shifts} == {Level.TOO_FEW}


def test_no_scans_at_all_are_no_error() -> None:
    for recent, reference in (([], []), (population(50, 1), []), ([], population(50, 1))):
        assert {shift.level for shift in compare(recent, reference)} == {Level.TOO_FEW}


def test_rare_makers_are_put_together() -> None:
    reference = population(2000, 2)
    rare = [ScanFacts("negative", 0.1, 5.0, 120.0, f"MAKER{n}") for n in range(15)]
    shift = by_name(compare(population(300, 1), [*reference, *rare]))["manufacturer"]
    assert isinstance(shift.reference, dict)
    assert set(shift.reference) == {"GE", "SIEMENS", "other"}
    assert shift.level is Level.STEADY
