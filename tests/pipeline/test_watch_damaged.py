from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ich_cli.pipeline.settle import Settler
from ich_cli.pipeline.watch_damaged import DamagedSlices
from ich_cli.pipeline.watch_store import Stamp, WatchStore

STAMP = Stamp(0, 0)
INBOX = Path("/in")
SLICE, DAMAGED = INBOX / "1.dcm", INBOX / "9.dcm"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[WatchStore]:
    with WatchStore.open(tmp_path) as store:
        yield store


@pytest.fixture
def waiting() -> Settler[Path]:
    return Settler(settle_s=1.0)


@pytest.fixture
def damaged(store: WatchStore, waiting: Settler[Path]) -> DamagedSlices:
    return DamagedSlices(store, waiting)


def test_a_file_is_lost_to_the_study_that_has_its_folder_to_itself(damaged: DamagedSlices) -> None:
    assert damaged.keep(DAMAGED, STAMP) == set()
    assert damaged.lost_to("a", [SLICE]) == {DAMAGED}
    assert damaged.lost_to("a", [INBOX / "deep" / "1.dcm"]) == set()


def test_a_study_that_was_taken_is_named_when_a_file_turns_out_damaged(
    store: WatchStore, damaged: DamagedSlices
) -> None:
    store.remember("a", [(SLICE, STAMP)])
    assert damaged.keep(DAMAGED, STAMP) == {"a"}


def test_files_called_otherwise_are_no_slices(damaged: DamagedSlices) -> None:
    damaged.keep(INBOX / "READY", STAMP)
    assert damaged.lost_to("a", [SLICE]) == set()


def test_a_study_that_still_waits_makes_the_folder_tell_nothing(
    waiting: Settler[Path], damaged: DamagedSlices
) -> None:
    waiting.touch(INBOX / "2.dcm", 0.0)
    waiting.place(INBOX / "2.dcm", "b", 0.0)
    damaged.keep(DAMAGED, STAMP)
    assert damaged.lost_to("a", [SLICE]) == set()
    assert damaged.lost_to("b", [INBOX / "2.dcm"]) == {DAMAGED}


def test_what_one_study_lacks_is_lost_to_no_other(damaged: DamagedSlices) -> None:
    damaged.keep(DAMAGED, STAMP)
    damaged.take("a", [(DAMAGED, STAMP)])
    assert damaged.lost_to("b", [SLICE]) == set()
    assert damaged.lost_to("a", [SLICE]) == {DAMAGED}


def test_a_study_is_named_when_a_file_that_it_lacked_is_gone(
    store: WatchStore, damaged: DamagedSlices
) -> None:
    store.remember("b", [(SLICE, STAMP)])
    damaged.take("a", [(DAMAGED, STAMP)])
    assert damaged.gone([DAMAGED, SLICE, INBOX / "never seen"]) == {"a"}
