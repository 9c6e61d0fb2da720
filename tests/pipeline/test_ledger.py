from __future__ import annotations

import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from ich_cli.errors import OutputError
from ich_cli.pipeline.content_key import ContentKey, content_key, recipe_of, uids_by_series
from ich_cli.pipeline.ledger import CONTENT_FIELD, Ledger
from ich_cli.pipeline.ledger_plan import MAX_CRASHES
from ich_cli.pipeline.ledger_schema import LEDGER_FILE

from .series import RECIPE, identities, make_key, make_keys, make_record, make_series


def seen(*keys: ContentKey) -> dict[tuple[str, str], frozenset[bytes]]:
    return uids_by_series((key.study_uid, key.series_uid, key.uid_set) for key in keys)


def test_new_series_are_to_be_done_and_finished_ones_are_not(tmp_path: Path) -> None:
    a, b, c = make_keys(tmp_path / "in", 3)
    with Ledger.open(tmp_path) as ledger:
        assert ledger.plan([a, b, c]).todo == (a, b, c)
        ledger.start(a)
        ledger.finish(a, make_record(a))
    with Ledger.open(tmp_path) as ledger:
        plan = ledger.plan([a, b, c])
        assert plan.todo == (b, c)
        assert plan.done == (a,)


def test_a_series_found_twice_is_done_once(tmp_path: Path) -> None:
    key = make_key(tmp_path / "in")
    with Ledger.open(tmp_path) as ledger:
        assert ledger.plan([key, key]).todo == (key,)


def test_rows_come_in_the_order_of_finishing_with_what_they_are_known_by(tmp_path: Path) -> None:
    a, b = make_keys(tmp_path / "in", 2)
    with Ledger.open(tmp_path) as ledger:
        ledger.plan([a, b])
        for key in (b, a):
            ledger.start(key)
            ledger.finish(key, make_record(key))
        rows = list(ledger.rows())
    assert [row["series_uid"] for row in rows] == [b.series_uid, a.series_uid]
    assert rows[0][CONTENT_FIELD] == {"digest": b.digest, "recipe": b.recipe}


def test_what_was_in_hand_at_a_sudden_death_is_done_again_and_last(tmp_path: Path) -> None:
    a, b = make_keys(tmp_path / "in", 2)
    with Ledger.open(tmp_path) as ledger:
        ledger.plan([a, b])
        ledger.start(a)
    with Ledger.open(tmp_path) as ledger:
        assert ledger.plan([a, b]).todo == (b, a)


def test_a_series_that_keeps_killing_the_run_is_written_off(tmp_path: Path) -> None:
    key = make_key(tmp_path / "in")
    with Ledger.open(tmp_path) as ledger:
        for _ in range(MAX_CRASHES):
            assert ledger.plan([key]).todo == (key,)
            ledger.start(key)
        assert ledger.plan([key]).poisoned == (key,)
        assert ledger.plan([key], retry_failed=True).todo == (key,)


def test_a_series_laid_down_on_purpose_is_no_crash(tmp_path: Path) -> None:
    key = make_key(tmp_path / "in")
    with Ledger.open(tmp_path) as ledger:
        for _ in range(2 * MAX_CRASHES):
            assert ledger.plan([key]).todo == (key,)
            ledger.start(key)
            ledger.put_back(key)


def test_failed_series_are_tried_again_only_when_asked_or_changed(tmp_path: Path) -> None:
    key = make_key(tmp_path / "in")
    with Ledger.open(tmp_path) as ledger:
        ledger.plan([key])
        ledger.start(key)
        ledger.finish(key, make_record(key, "failed"))
        assert ledger.plan([key]).failed == (key,)
        assert ledger.plan([make_key(tmp_path / "in", slices=5)]).todo
        assert ledger.plan([key], retry_failed=True).todo == (key,)


def test_not_analysable_is_an_answer_and_not_a_failure(tmp_path: Path) -> None:
    key = make_key(tmp_path / "in")
    with Ledger.open(tmp_path) as ledger:
        ledger.plan([key])
        ledger.finish(key, make_record(key, "not_analysable"))
        assert ledger.plan([key], retry_failed=True).done == (key,)


def test_redo_does_everything_and_keeps_the_old_row_until_the_new_one(tmp_path: Path) -> None:
    key = make_key(tmp_path / "in")
    with Ledger.open(tmp_path) as ledger:
        ledger.plan([key])
        ledger.finish(key, make_record(key))
        assert ledger.plan([key], redo=True).todo == (key,)
        ledger.start(key)
        assert [row["status"] for row in ledger.rows()] == ["negative"]
        stored = ledger.finish(key, make_record(key, "positive"))
        assert stored.replaced
        assert [row["status"] for row in ledger.rows()] == ["positive"]


def test_a_late_slice_replaces_the_row(tmp_path: Path) -> None:
    early, late = (make_key(tmp_path / "in", slices=n) for n in (4, 5))
    with Ledger.open(tmp_path) as ledger:
        ledger.plan([early])
        ledger.finish(early, make_record(early))
        assert ledger.plan([late]).todo == (late,)
        ledger.finish(late, make_record(late, "positive"))
        assert [row["status"] for row in ledger.rows()] == ["positive"]


def test_another_model_replaces_the_row(tmp_path: Path) -> None:
    series = make_series(tmp_path / "in")
    one, other = (content_key(series, recipe_of(sha, {})) for sha in ("aa", "bb"))
    with Ledger.open(tmp_path) as ledger:
        ledger.plan([one])
        ledger.finish(one, make_record(one))
        assert ledger.plan([other]).todo == (other,)
        ledger.finish(other, make_record(other))
        assert ledger.count() == 1


def test_files_that_have_gone_do_not_undo_a_judgement(tmp_path: Path) -> None:
    whole, rest = (make_key(tmp_path / "in", slices=n) for n in (5, 2))
    with Ledger.open(tmp_path) as ledger:
        ledger.plan([whole])
        ledger.finish(whole, make_record(whole, "positive"))
        plan = ledger.plan([rest])
        assert plan.shrunk == (rest,)
        assert not plan.todo
        assert ledger.plan([rest], redo=True).todo == (rest,)


def test_parts_that_have_become_one_leave_one_row(tmp_path: Path) -> None:
    parts = [make_key(tmp_path / "in", part=n) for n in (0, 1)]
    whole = make_key(tmp_path / "in", slices=8)
    with Ledger.open(tmp_path) as ledger:
        ledger.plan(parts)
        for key in parts:
            ledger.finish(key, make_record(key))
        assert ledger.retire(seen(*parts, whole), [whole]) == 1
        assert identities(list(ledger.rows())) == [whole.identity]


def joined(tmp_path: Path) -> tuple[ContentKey, ContentKey, ContentKey]:
    """A head in two series, put together under the UID of the first; and each of the two."""
    vertex, base = (make_series(tmp_path / "in", series=uid, slices=4) for uid in ("1.1", "1.2"))
    head = replace(vertex, instances=(*vertex.instances, *base.instances))
    return content_key(head, RECIPE), content_key(vertex, RECIPE), content_key(base, RECIPE)


def test_pieces_that_were_joined_leave_one_row(tmp_path: Path) -> None:
    head, vertex, base = joined(tmp_path)
    better = make_key(tmp_path / "in", series="1.3")
    with Ledger.open(tmp_path) as ledger:
        ledger.plan([base])
        ledger.finish(base, make_record(base))
        assert ledger.retire(seen(vertex, base), [head]) == 1
        ledger.finish(head, make_record(head))
        assert ledger.plan([head]).done == (head,)
        assert ledger.retire(seen(vertex, base, better), [better]) == 1


def test_pieces_that_fit_no_more_are_done_one_by_one(tmp_path: Path) -> None:
    head, vertex, base = joined(tmp_path)
    with Ledger.open(tmp_path) as ledger:
        ledger.plan([head])
        ledger.finish(head, make_record(head))
        assert ledger.plan([vertex, base]).todo == (vertex, base)
        assert ledger.plan([vertex]).shrunk == (vertex,)


def test_a_series_that_was_not_seen_this_time_keeps_its_row(tmp_path: Path) -> None:
    a, b = make_keys(tmp_path / "in", 2)
    with Ledger.open(tmp_path) as ledger:
        ledger.plan([a, b])
        for key in (a, b):
            ledger.finish(key, make_record(key))
        assert ledger.retire(seen(a), [a]) == 0
        assert ledger.count() == 2


def test_a_row_stays_when_only_leftovers_of_its_series_are_seen_again(tmp_path: Path) -> None:
    whole, rest = (make_key(tmp_path / "in", slices=n) for n in (5, 1))
    with Ledger.open(tmp_path) as ledger:
        ledger.plan([whole])
        ledger.finish(whole, make_record(whole, "positive"))
        assert ledger.retire(seen(rest), []) == 0
        assert ledger.count() == 1


def test_series_whose_files_are_gone_do_not_wait_for_ever(tmp_path: Path) -> None:
    a, b = make_keys(tmp_path / "in", 2)
    with Ledger.open(tmp_path) as ledger:
        ledger.plan([a, b])
        ledger.forget_waiting(keep=[b])
        ledger.finish(b, make_record(b))
        ledger.forget_waiting(keep=[])
        assert ledger.count() == 1


def test_every_change_of_the_records_raises_the_revision(tmp_path: Path) -> None:
    key = make_key(tmp_path / "in")
    with Ledger.open(tmp_path) as ledger:
        before = ledger.revision
        ledger.plan([key])
        ledger.start(key)
        assert ledger.revision == before
        ledger.finish(key, make_record(key))
        assert ledger.revision == before + 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"not a database at all" * 100,
        lambda data: data[: len(data) // 2],
        lambda data: data[:4096] + b"\xff" * 4096 + data[8192:],
        lambda data: b"\0" * len(data),
    ],
    ids=["other file", "cut in half", "page overwritten", "zeros"],
)
def test_a_damaged_ledger_is_kept_aside_and_begun_anew(tmp_path: Path, damage: object) -> None:
    keys = make_keys(tmp_path / "in", 30)
    with Ledger.open(tmp_path) as ledger:
        ledger.plan(keys)
        for key in keys:
            ledger.finish(key, make_record(key))
    path = tmp_path / LEDGER_FILE
    assert callable(damage)
    broken = damage(path.read_bytes())
    path.write_bytes(broken)
    with Ledger.open(tmp_path) as ledger:
        assert ledger.kept_aside is not None
        assert ledger.kept_aside.read_bytes() == broken
        assert ledger.count() == 0


def test_two_damaged_ledgers_of_one_second_are_both_kept(tmp_path: Path) -> None:
    kept = set()
    for content in (b"first" * 300, b"second" * 300):
        (tmp_path / LEDGER_FILE).write_bytes(content)
        with Ledger.open(tmp_path, now=lambda: 1e9) as ledger:
            assert ledger.kept_aside is not None
            kept.add(ledger.kept_aside.read_bytes())
    assert len(kept) == 2


def test_a_clock_that_jumps_back_gives_no_negative_time(tmp_path: Path) -> None:
    times = iter([1000.0, 1000.0, 5.0, 5.0])
    key = make_key(tmp_path / "in")
    with Ledger.open(tmp_path, now=lambda: next(times)) as ledger:
        ledger.plan([key])
        ledger.start(key)
        ledger.finish(key, make_record(key))
        assert ledger.count() == 1


def test_an_output_folder_that_has_gone_stops_the_run(tmp_path: Path) -> None:
    key = make_key(tmp_path / "in")
    with Ledger.open(tmp_path / "out") as ledger:
        ledger.plan([key])
        ledger.start(key)
        shutil.rmtree(tmp_path / "out")
        with pytest.raises(OutputError, match="was removed"):
            ledger.finish(key, make_record(key))


def test_the_ledger_is_not_for_everybody(tmp_path: Path) -> None:
    Ledger.open(tmp_path).close()
    assert stat.S_IMODE((tmp_path / LEDGER_FILE).stat().st_mode) & 0o007 == 0


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot open the ledger"):
        Ledger.open(tmp_path / "file" / "out")
