from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ich_cli.pipeline.content_key import ContentKey
from ich_cli.pipeline.ledger import Ledger
from ich_cli.pipeline.ledger_results import Results
from ich_cli.pipeline.ledger_schema import LEDGER_FILE

from .series import identities, make_key, make_keys, make_record

FILES = ("results.csv", "results.json", "results.jsonl")


def run(out: Path, keys: list[ContentKey], status: str = "negative") -> None:
    with Ledger.open(out) as ledger:
        results = Results(ledger)
        results.reconcile()
        for key in ledger.plan(keys).todo:
            ledger.start(key)
            results.add(ledger.finish(key, make_record(key, status)))
        results.publish()
        results.close()


def shown(out: Path) -> dict[str, list[tuple[str, str, int]]]:
    lines = (out / "results.jsonl").read_text().splitlines()
    with (out / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        "json": identities(json.loads((out / "results.json").read_text())),
        "jsonl": identities([json.loads(line) for line in lines]),
        "csv": sorted((r["study_uid"], r["series_uid"], 0) for r in rows),
    }


def assert_shows(out: Path, keys: list[ContentKey]) -> None:
    expected = sorted(key.identity for key in keys)
    assert shown(out) == {"json": expected, "jsonl": expected, "csv": expected}


def test_all_files_show_what_the_ledger_holds(tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "in", 5)
    run(tmp_path, keys[:3])
    assert_shows(tmp_path, keys[:3])
    run(tmp_path, keys)
    assert_shows(tmp_path, keys)


def test_an_empty_run_has_empty_results(tmp_path: Path) -> None:
    run(tmp_path, [])
    assert_shows(tmp_path, [])


def test_nothing_is_written_when_nothing_happened(tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "in", 3)
    run(tmp_path, keys)
    before = {name: (tmp_path / name).stat().st_mtime_ns for name in FILES}
    run(tmp_path, keys)
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in FILES} == before


def test_jsonl_grows_while_the_run_goes_on(tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "in", 4)
    with Ledger.open(tmp_path) as ledger:
        results = Results(ledger, clock=lambda: 0.0)
        results.reconcile()
        for done, key in enumerate(ledger.plan(keys).todo, 1):
            ledger.start(key)
            results.add(ledger.finish(key, make_record(key)))
            assert len((tmp_path / "results.jsonl").read_text().splitlines()) == done
        results.close()


def test_rewriting_takes_a_small_share_of_the_time(tmp_path: Path) -> None:
    """With a second for each rewriting and each scan, 100 scans are not 100 rewritings."""
    keys = make_keys(tmp_path / "in", 100)
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 0.5
        return now

    with Ledger.open(tmp_path) as ledger:
        results = Results(ledger, clock=clock)
        results.reconcile()
        stamps = set()
        for key in ledger.plan(keys).todo:
            results.add(ledger.finish(key, make_record(key)))
            stamps.add((tmp_path / "results.json").stat().st_ino)
        results.close()
    assert len(stamps) <= 5


def test_a_replaced_row_is_shown_once(tmp_path: Path) -> None:
    run(tmp_path, [make_key(tmp_path / "in", slices=4)])
    late = make_key(tmp_path / "in", slices=5)
    run(tmp_path, [late], "positive")
    assert_shows(tmp_path, [late])
    assert json.loads((tmp_path / "results.json").read_text())[0]["status"] == "positive"


@pytest.mark.parametrize("n_new", [0, 1])
def test_a_retired_row_is_shown_no_more(tmp_path: Path, n_new: int) -> None:
    keys = make_keys(tmp_path / "in", 3)
    run(tmp_path, keys[:2])
    gone, *left = keys[: 2 + n_new]
    with Ledger.open(tmp_path) as ledger:
        results = Results(ledger)
        results.reconcile()
        ledger.retire({(gone.study_uid, gone.series_uid): gone.uid_set}, left)
        for key in ledger.plan(left).todo:
            ledger.start(key)
            results.add(ledger.finish(key, make_record(key)))
        results.publish()
        results.close()
    assert_shows(tmp_path, left)


def tear(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def double(path: Path) -> None:
    path.write_bytes(path.read_bytes() * 2)


@pytest.mark.parametrize("harm", [Path.unlink, tear, double])
@pytest.mark.parametrize("name", FILES)
def test_files_that_differ_from_the_ledger_are_rebuilt(
    tmp_path: Path, name: str, harm: Callable[[Path], None]
) -> None:
    keys = make_keys(tmp_path / "in", 3)
    run(tmp_path, keys)
    harm(tmp_path / name)
    run(tmp_path, keys)
    assert_shows(tmp_path, keys)


def test_a_run_killed_between_ledger_and_files_is_made_good(tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "in", 3)
    run(tmp_path, keys[:2])
    with Ledger.open(tmp_path) as ledger:
        ledger.plan(keys)
        ledger.finish(keys[2], make_record(keys[2]))
    run(tmp_path, keys)
    assert_shows(tmp_path, keys)


def test_a_damaged_ledger_is_rebuilt_from_the_results(tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "in", 20)
    run(tmp_path, keys)
    before = (tmp_path / "results.json").read_bytes()
    (tmp_path / LEDGER_FILE).write_bytes(b"rubbish" * 1000)
    with Ledger.open(tmp_path) as ledger:
        results = Results(ledger)
        assert results.reconcile()
        assert not ledger.plan(keys).todo
    assert (tmp_path / "results.json").read_bytes() == before


def test_damaged_results_beside_a_damaged_ledger_lose_only_what_is_damaged(tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "in", 4)
    run(tmp_path, keys)
    (tmp_path / LEDGER_FILE).write_bytes(b"rubbish" * 1000)
    (tmp_path / "results.json").unlink()
    lines = (tmp_path / "results.jsonl").read_bytes().splitlines(keepends=True)
    lines[1] = b'{"study_uid": "torn\n'
    lines[2] = b"\xff\xfe[1, 2]\n"
    (tmp_path / "results.jsonl").write_bytes(b"".join(lines))
    with Ledger.open(tmp_path) as ledger:
        Results(ledger).reconcile()
        assert ledger.plan(keys).todo == (keys[1], keys[2])


@pytest.mark.parametrize("left", ["results.json", "results.jsonl"])
def test_either_of_two_files_is_enough_to_rebuild_a_ledger(tmp_path: Path, left: str) -> None:
    keys = make_keys(tmp_path / "in", 3)
    run(tmp_path, keys)
    for name in {LEDGER_FILE, *FILES} - {left}:
        (tmp_path / name).unlink()
    run(tmp_path, [])
    assert_shows(tmp_path, keys)


def test_failed_series_stay_failed_through_a_rebuilding(tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "in", 1)
    run(tmp_path, keys, "failed")
    (tmp_path / LEDGER_FILE).write_bytes(b"rubbish" * 1000)
    with Ledger.open(tmp_path) as ledger:
        Results(ledger).reconcile()
        assert ledger.plan(keys).failed == tuple(keys)
