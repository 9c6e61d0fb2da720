from __future__ import annotations

from collections import defaultdict
from pathlib import PurePosixPath as P

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ich_cli.pipeline.settle import PEEK_AFTER_S, Settled, Settler, is_temporary

SETTLE = 60.0


def arrive(settler: Settler[P], path: str, study: str | None, at: float) -> None:
    """A file comes and is looked into as soon as it is quiet."""
    assert settler.touch(P(path), at)
    assert P(path) in settler.unplaced(at + PEEK_AFTER_S)
    settler.place(P(path), study, at + PEEK_AFTER_S)


def test_a_study_is_taken_when_all_its_files_have_been_quiet() -> None:
    settler: Settler[P] = Settler(SETTLE)
    arrive(settler, "a1", "A", at=0)
    arrive(settler, "a2", "A", at=40)
    assert settler.take(60) is None
    assert settler.take(99.9) is None
    assert settler.take(100) == Settled("A", frozenset({P("a1"), P("a2")}), 0)
    assert settler.take(1000) is None
    assert len(settler) == 0


def test_one_slow_study_does_not_hold_up_another() -> None:
    settler: Settler[P] = Settler(SETTLE)
    arrive(settler, "a1", "A", at=0)
    arrive(settler, "b1", "B", at=10)
    arrive(settler, "a2", "A", at=55)
    taken = settler.take(75)
    assert taken is not None
    assert taken.study == "B"


def test_a_file_that_is_still_being_written_keeps_its_study_waiting() -> None:
    settler: Settler[P] = Settler(SETTLE)
    arrive(settler, "a1", "A", at=0)
    for second in range(1, 200, 20):
        settler.touch(P("a1"), second)
        assert settler.take(second + 19) is None
    settler.place(P("a1"), "A", 183)
    assert settler.take(181 + SETTLE) is not None


def test_a_change_without_an_event_keeps_its_study_waiting() -> None:
    settler: Settler[P] = Settler(SETTLE)
    arrive(settler, "a1", "A", at=0)
    assert settler.take(60, changed=lambda path: True) is None
    settler.place(P("a1"), "A", 62)
    assert settler.take(119, changed=lambda path: False) is None
    assert settler.take(120, changed=lambda path: False) is not None


def test_a_late_slice_opens_the_study_again() -> None:
    settler: Settler[P] = Settler(SETTLE)
    arrive(settler, "a1", "A", at=0)
    assert settler.take(60) is not None
    arrive(settler, "a2", "A", at=500)
    assert settler.take(560) == Settled("A", frozenset({P("a2")}), 500)


def test_a_file_that_is_of_no_study_is_asked_twice_and_dropped() -> None:
    settler: Settler[P] = Settler(SETTLE)
    arrive(settler, "notes.txt", None, at=0)
    assert settler.unplaced(30) == []
    assert settler.unplaced(60) == [P("notes.txt")]
    assert not settler.place(P("notes.txt"), None, 60)
    assert len(settler) == 0


def test_a_header_that_was_not_yet_there_is_found_later() -> None:
    settler: Settler[P] = Settler(SETTLE)
    arrive(settler, "a1", None, at=0)
    settler.touch(P("a1"), 20)
    assert settler.unplaced(21) == [P("a1")]
    settler.place(P("a1"), "A", 21)
    assert settler.take(80) is not None


def test_a_file_half_written_beside_it_holds_up_a_study() -> None:
    settler: Settler[P] = Settler(SETTLE)
    arrive(settler, "in/a1", "A", at=0)
    arrive(settler, "in/a2", None, at=0)
    settler.touch(P("in/a2"), 50)
    assert settler.take(70) is None
    settler.place(P("in/a2"), "A", 71)
    assert settler.take(109) is None
    assert settler.take(110) == Settled("A", frozenset({P("in/a1"), P("in/a2")}), 0)


def test_a_file_that_never_tells_holds_nothing_up_for_ever() -> None:
    settler: Settler[P] = Settler(SETTLE)
    arrive(settler, "in/a1", "A", at=0)
    arrive(settler, "in/growing.log", None, at=0)
    taken = []
    for second in range(30, 1000, 30):
        settler.touch(P("in/growing.log"), second)
        settler.place(P("in/growing.log"), None, second + 1)
        if settler.take(second + 2) is not None:
            taken.append(second)
    assert taken == [600]


def test_what_comes_after_the_settling_time_holds_nothing_up() -> None:
    settler: Settler[P] = Settler(SETTLE)
    arrive(settler, "in/a1", "A", at=0)
    settler.touch(P("in/new"), 60.5)
    assert settler.take(60.5) is not None


def test_a_silent_file_elsewhere_holds_nothing_up() -> None:
    settler: Settler[P] = Settler(SETTLE)
    arrive(settler, "in/a1", "A", at=0)
    arrive(settler, "other/odd", None, at=50)
    assert settler.take(60) is not None


def test_a_file_that_has_gone_is_not_waited_for() -> None:
    settler: Settler[P] = Settler(SETTLE)
    arrive(settler, "a1", "A", at=0)
    arrive(settler, "a2", "A", at=50)
    settler.gone(P("a2"))
    assert settler.take(60) == Settled("A", frozenset({P("a1")}), 0)


def test_a_replaced_file_belongs_to_the_study_it_now_names() -> None:
    settler: Settler[P] = Settler(SETTLE)
    arrive(settler, "x", "A", at=0)
    arrive(settler, "x", "B", at=30)
    assert settler.n_studies == 1
    taken = settler.take(90)
    assert taken is not None
    assert taken.study == "B"


def test_there_is_an_end_to_what_it_keeps() -> None:
    settler: Settler[P] = Settler(SETTLE, max_files=2)
    assert settler.touch(P("x/a"), 0)
    assert settler.touch(P("y/b"), 0)
    assert not settler.touch(P("z/c"), 0)
    assert settler.touch(P("x/a"), 1)
    assert len(settler) == 2


def test_a_folder_that_is_being_taken_in_is_completed_up_to_twice_that() -> None:
    settler: Settler[P] = Settler(SETTLE, max_files=3)
    taken = [settler.touch(P(f"x/{number}"), 0) for number in range(8)]
    assert taken == [True] * 6 + [False] * 2
    settler.gone(P("x/0"))
    assert settler.touch(P("x/7"), 1)


def test_the_study_that_has_waited_longest_comes_first() -> None:
    settler: Settler[P] = Settler(SETTLE)
    for number, study in enumerate("CAB"):
        arrive(settler, study, study, at=number)
    assert settler.oldest() == 0
    order = [settler.take(100) for _ in range(3)]
    assert [taken.study for taken in order if taken] == ["C", "A", "B"]


@pytest.mark.parametrize(
    "name", [".a.dcm", "~a.dcm", "a.dcm~", "a.PART", "a.dcm.tmp", "a.filepart"]
)
def test_temporary_names_are_known(name: str) -> None:
    assert is_temporary(P("in") / name)


@pytest.mark.parametrize("name", ["a.dcm", "IM000001", "1.2.840.1", "study.zip", "part"])
def test_other_names_are_not_temporary(name: str) -> None:
    assert not is_temporary(P("in") / name)


class Arrivals(RuleBasedStateMachine):
    """Files of a few studies come, change and go in any order, at any pace."""

    @initialize(settle=st.floats(0.5, 100))
    def begin(self, settle: float) -> None:
        self.settler: Settler[P] = Settler(settle)
        self.now = 0.0
        self.study_of: dict[P, str] = {}
        self.changed: dict[P, float] = {}
        self.untaken: set[P] = set()

    @rule(study=st.sampled_from("ABC"), number=st.integers(0, 3))
    def comes_or_changes(self, study: str, number: int) -> None:
        path = P(f"{study}{number}")
        self.settler.touch(path, self.now)
        self.study_of[path], self.changed[path] = study, self.now
        self.untaken.add(path)

    @precondition(lambda self: self.untaken)
    @rule(data=st.data())
    def goes(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(self.untaken)))
        self.settler.gone(path)
        self.untaken.discard(path)

    @rule(step=st.floats(0.1, 120))
    def time_passes(self, step: float) -> None:
        self.now += step
        self.look()

    def look(self) -> None:
        for path in self.settler.unplaced(self.now):
            self.settler.place(path, self.study_of[path], self.now)
        while (taken := self.settler.take(self.now)) is not None:
            waiting = {p for p in self.untaken if self.study_of[p] == taken.study}
            assert taken.files == waiting, "a study is taken whole"
            last = max(self.changed[p] for p in waiting)
            assert self.now >= last + self.settler.settle_s, "and never too early"
            self.untaken -= taken.files

    @invariant()
    def nothing_else_is_kept(self) -> None:
        if hasattr(self, "settler"):
            assert len(self.settler) == len(self.untaken)

    def teardown(self) -> None:
        if hasattr(self, "settler"):
            for _ in range(2):
                self.now += self.settler.settle_s + PEEK_AFTER_S
                self.look()
            assert not self.untaken, "everything is taken in the end"
            assert len(self.settler) == 0


TestArrivals = Arrivals.TestCase


@given(st.lists(st.tuples(st.sampled_from("ABCD"), st.floats(0, 30)), min_size=1, max_size=60))
def test_however_files_arrive_each_is_taken_once(arrivals: list[tuple[str, float]]) -> None:
    settler: Settler[P] = Settler(SETTLE)
    now, taken, expected = 0.0, defaultdict(list), defaultdict(set)
    for number, (study, pause) in enumerate(arrivals):
        now += pause
        arrive(settler, f"{study}-{number}", study, now)
        expected[study].add(P(f"{study}-{number}"))
        while (ready := settler.take(now)) is not None:
            taken[ready.study] += ready.files
    while (ready := settler.take(now + SETTLE + 1)) is not None:
        taken[ready.study] += ready.files
    assert {study: sorted(files) for study, files in taken.items()} == {
        study: sorted(files) for study, files in expected.items()
    }
