from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from ich_cli.config import resolve
from ich_cli.errors import IchError, LockedError, UsageError
from ich_cli.pipeline import watch_service
from ich_cli.pipeline.assemble import assemble
from ich_cli.pipeline.lock import hold
from ich_cli.pipeline.stop import Stop
from ich_cli.pipeline.watch_health import read_health
from ich_cli.pipeline.watch_service import WatchService
from ich_cli.pipeline.watch_settings import WatchSettings
from ich_cli.pipeline.watch_source import Source
from tests.quick import EMPTY_SERIES, slices_of, write_copies, write_empty_series

SETTLE_S = 0.4
IDLE_S = 0.8


class Ward:
    """A folder that studies arrive in, and a watcher for it."""

    def __init__(self, root: Path, card: Path) -> None:
        self.inbox, self.out, self._card = root / "in", root / "out", card
        self.inbox.mkdir()
        self.warnings: list[str] = []
        self.scanned = 0

    @contextmanager
    def watched(self, **settings: Any) -> Iterator[WatchService]:
        resolved = resolve({"model": str(self._card), "out": self.out, "threads": 1})
        assembly = assemble((self.inbox,), resolved, command=("ich",))
        watch = WatchSettings(**{"settle": SETTLE_S, **settings})
        service = WatchService((assembly, watch), Stop(), warn=self.warnings.append)
        with service.running([self.inbox]):
            yield service
            self.scanned = service._watcher.studies_done

    def watch(self, **settings: Any) -> list[dict[str, Any]]:
        with self.watched(**settings) as service:
            service.run(lambda: None, IDLE_S)
        return self.rows()

    def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads((self.out / "results.json").read_text())
        lines = (self.out / "results.jsonl").read_text().splitlines()
        assert sorted(map(json.dumps, rows)) == sorted(json.dumps(json.loads(x)) for x in lines)
        return rows

    def statuses(self) -> list[str]:
        return sorted(row["status"] for row in self.rows())


@pytest.fixture
def ward(tmp_path: Path, card: Path) -> Ward:
    return Ward(tmp_path, card)


def put(folder: Path, slices: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in slices.items():
        (folder / name).write_bytes(data)


def part(slices: dict[str, bytes], start: int, stop: int | None = None) -> dict[str, bytes]:
    return dict(sorted(slices.items())[start:stop])


def test_what_is_there_at_the_start_is_scanned(ward: Ward, templates: list[Path]) -> None:
    write_copies(templates, ward.inbox, 3)
    ward.watch()
    assert ward.statuses() == ["negative", "negative", "positive"]
    assert not ward.warnings


def test_a_restart_begins_nothing_anew(ward: Ward, templates: list[Path]) -> None:
    write_copies(templates, ward.inbox, 2)
    ward.watch()
    ward.watch()
    assert ward.scanned == 0
    assert len(ward.rows()) == 2


def test_slices_in_any_order_give_whole_studies(ward: Ward, templates: list[Path]) -> None:
    arrivals = [
        (f"{number}-{name}", data)
        for number in range(3)
        for name, data in slices_of(templates[number], number).items()
    ]
    random.Random(1).shuffle(arrivals)
    with ward.watched(settle=2.0) as service:
        for name, data in arrivals:
            (ward.inbox / name).write_bytes(data)
        service.run(lambda: None, IDLE_S)
    assert ward.statuses() == ["negative", "negative", "positive"]
    assert {row["acquisition"]["n_slices"] for row in ward.rows()} == {len(arrivals) // 3}
    assert ward.scanned == 3


def test_the_next_best_series_is_read_where_the_chosen_one_is_no_head(
    ward: Ward, templates: list[Path]
) -> None:
    write_copies(templates[1:2], ward.inbox, 1)
    write_empty_series(ward.inbox, ward.inbox / "empty", spacing_mm=8.0)
    rows = {row["series_uid"]: row for row in ward.watch()}
    empty = rows.pop(EMPTY_SERIES)
    (head,) = rows.values()
    assert [empty["status"], head["status"]] == ["not_analysable", "positive"]
    assert head["selection"]["instead_of"] == EMPTY_SERIES
    assert len(ward.watch()) == 2


def test_a_late_slice_reopens_the_study_and_replaces_its_row(
    ward: Ward, templates: list[Path]
) -> None:
    slices = slices_of(templates[1], 7)
    put(ward.inbox / "s", part(slices, 0, -2))
    before = ward.watch()
    put(ward.inbox / "elsewhere", part(slices, -2))
    after = ward.watch()
    assert [len(before), len(after)] == [1, 1]
    assert after[0]["acquisition"]["n_slices"] == before[0]["acquisition"]["n_slices"] + 2


def another_series(study: Path, folder: Path, acquired: str) -> None:
    """The same head once more in the same study, acquired at the time that is given."""
    folder.mkdir()
    for path in study.iterdir():
        again = dcmread(path)
        again.SeriesInstanceUID += ".2"
        again.SOPInstanceUID += ".2"
        again.file_meta.MediaStorageSOPInstanceUID = again.SOPInstanceUID
        again.AcquisitionTime = acquired
        again.save_as(folder / path.name)


@pytest.mark.parametrize("on_done", ["keep", "delete"])
def test_a_control_that_comes_hours_later_is_read_beside_the_first_scan(
    ward: Ward, templates: list[Path], on_done: str
) -> None:
    (study,) = write_copies(templates[1:2], ward.inbox, 1)
    another_series(study, ward.inbox.parent / "control", "235500")
    (first,) = ward.watch(on_done=on_done)
    (ward.inbox.parent / "control").rename(ward.inbox / "control")
    again, control = ward.watch(on_done=on_done)
    assert again == first
    assert control["study_uid"] == first["study_uid"]
    assert control["series_uid"] == first["series_uid"] + ".2"
    assert control["acquisition_datetime"] > first["acquisition_datetime"]
    assert ward.watch(on_done=on_done) == [first, control]


def test_a_better_series_of_the_same_scan_that_comes_later_takes_over_its_row(
    ward: Ward, templates: list[Path]
) -> None:
    (study,) = write_copies(templates[1:2], ward.inbox, 1)
    another_series(study, ward.inbox.parent / "better", "120000")
    min(study.iterdir()).unlink()
    (before,) = ward.watch()
    (ward.inbox.parent / "better").rename(ward.inbox / "better")
    (after,) = ward.watch()
    assert after["series_uid"] == before["series_uid"] + ".2"


def test_a_file_under_a_temporary_name_is_taken_when_it_is_renamed(
    ward: Ward, templates: list[Path]
) -> None:
    slices = slices_of(templates[0], 1)
    with ward.watched() as service:
        put(ward.inbox, {f"{name}.part": data for name, data in slices.items()})
        service.run(lambda: None, IDLE_S)
        assert service._watcher.studies_done == 0
        for name in slices:
            (ward.inbox / f"{name}.part").rename(ward.inbox / name)
        service.run(lambda: None, IDLE_S)
    assert ward.statuses() == ["negative"]


def test_a_folder_that_is_moved_in_is_looked_through(
    ward: Ward, templates: list[Path], tmp_path: Path
) -> None:
    put(tmp_path / "made" / "deep" / "down", slices_of(templates[1], 1))
    with ward.watched() as service:
        (tmp_path / "made").rename(ward.inbox / "moved")
        service.run(lambda: None, IDLE_S)
    assert ward.statuses() == ["positive"]


def test_a_file_that_is_still_being_written_is_waited_for(
    ward: Ward, templates: list[Path]
) -> None:
    slices = slices_of(templates[1], 1)
    last = sorted(slices)[-1]
    with ward.watched(settle=2.0) as service:
        put(ward.inbox, {name: data for name, data in slices.items() if name != last})
        with (ward.inbox / last).open("wb") as file:
            for start in range(0, len(slices[last]), 2048):
                file.write(slices[last][start : start + 2048])
                file.flush()
                time.sleep(0.5)
                assert not service._watcher.step()
        service.run(lambda: None, IDLE_S)
    assert ward.statuses() == ["positive"]
    assert ward.scanned == 1


def test_a_copy_that_stalled_is_scanned_again_when_it_is_whole(
    ward: Ward, templates: list[Path]
) -> None:
    slices = slices_of(templates[1], 1)
    name = sorted(slices)[10]
    put(ward.inbox, slices | {name: slices[name][:3000]})
    before = ward.watch()
    put(ward.inbox, {name: slices[name]})
    after = ward.watch()
    assert len(before) == len(after) == 1
    assert after[0]["status"] == "positive"
    assert after[0]["files"]["used"] == len(slices)


@pytest.mark.parametrize("content", [b"", b"\0" * 2000, None], ids=["empty", "zeros", "cut"])
def test_slices_that_stay_damaged_count_as_lost(
    ward: Ward, templates: list[Path], content: bytes | None
) -> None:
    slices = slices_of(templates[0], 1)
    for name, data in list(slices.items())[-3:]:
        slices[name] = data[:500] if content is None else content
    put(ward.inbox / "s", slices)
    (row,) = ward.watch()
    assert (row["status"], row["reason"]["code"]) == ("not_analysable", "incomplete")


def test_a_damaged_slice_that_comes_late_reopens_the_study(
    ward: Ward, templates: list[Path]
) -> None:
    slices = slices_of(templates[1], 1)
    put(ward.inbox / "s", part(slices, 0, -1))
    (before,) = ward.watch()
    put(ward.inbox / "s", dict.fromkeys(part(slices, -1), b""))
    (lost,) = ward.watch()
    put(ward.inbox / "s", part(slices, -1))
    (whole,) = ward.watch()
    lost_some = ["slices_lost" in row["flags"] for row in (before, lost, whole)]
    assert lost_some == [False, True, False]
    assert whole["acquisition"]["n_slices"] == len(slices)


def test_a_study_is_whole_again_once_the_damaged_file_is_removed(
    ward: Ward, templates: list[Path]
) -> None:
    put(ward.inbox / "s", slices_of(templates[1], 1) | {"damaged.dcm": b""})
    with ward.watched() as service:
        service.run(lambda: None, IDLE_S)
        (ward.inbox / "s" / "damaged.dcm").unlink()
        service.run(lambda: None, 2 * IDLE_S)
        assert service._watcher.studies_done == 2
    (row,) = ward.rows()
    assert "slices_lost" not in row["flags"]


def test_where_studies_lie_together_a_damaged_file_is_no_ones(
    ward: Ward, templates: list[Path]
) -> None:
    for number in range(2):
        slices = slices_of(templates[1], number)
        put(ward.inbox, {f"{number}-{name}": data for name, data in slices.items()})
    put(ward.inbox, {"damaged.dcm": b""})
    assert not any("slices_lost" in row["flags"] for row in ward.watch())


def test_a_damaged_file_is_lost_to_one_study_only(ward: Ward, templates: list[Path]) -> None:
    settings = {"on_done": "delete"}
    put(ward.inbox, slices_of(templates[1], 1) | {"damaged.dcm": b""})
    ward.watch(**settings)
    for path in ward.inbox.glob("[!d]*"):
        path.unlink()
    put(ward.inbox, slices_of(templates[0], 2))
    flags = {row["status"]: row["flags"] for row in ward.watch(**settings)}
    assert "slices_lost" in flags["positive"]
    assert "slices_lost" not in flags["negative"]


def test_other_files_are_passed_over_and_not_asked_again(ward: Ward, templates: list[Path]) -> None:
    put(ward.inbox / "s", slices_of(templates[0], 1) | {"report.pdf": b"%PDF", "empty": b""})
    ward.watch()
    assert ward.statuses() == ["negative"]
    with ward.watched() as service:
        service._watcher.step()
        assert service._watcher.files_waiting == 0


def test_a_study_that_went_before_it_was_taken_leaves_no_trace(
    ward: Ward, templates: list[Path]
) -> None:
    with ward.watched() as service:
        put(ward.inbox, slices_of(templates[0], 1))
        service._watcher.step()
        for path in ward.inbox.iterdir():
            path.unlink()
        service.run(lambda: None, IDLE_S)
    assert ward.rows() == []
    assert not ward.warnings


def test_changes_that_did_not_fit_the_queue_are_found(
    ward: Ward, templates: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_service, "Source", lambda *args: Source(*args, max_queue=2))
    with ward.watched() as service:
        service._watcher.step()
        write_copies(templates, ward.inbox, 2)
        service.run(lambda: None, IDLE_S)
    assert ward.statuses() == ["negative", "positive"]


def test_more_files_than_are_kept_in_mind_are_all_done(ward: Ward, templates: list[Path]) -> None:
    write_copies(templates, ward.inbox, 9)
    with ward.watched(max_files=100) as service:
        most = 0
        end = time.monotonic() + 60
        while service._watcher.studies_done < 9 and time.monotonic() < end:
            service._watcher.step()
            most = max(most, service._watcher.files_waiting)
    assert most <= 200
    assert ward.scanned == 9
    assert len({row["study_uid"] for row in ward.rows()}) == 9
    assert {row["acquisition"]["n_slices"] for row in ward.rows()} == {
        len(list(templates[0].iterdir()))
    }


def test_polling_finds_what_events_would_have_told(ward: Ward, templates: list[Path]) -> None:
    with ward.watched(poll=0.2) as service:
        service._watcher.step()
        write_copies(templates, ward.inbox, 2)
        service.run(lambda: None, 2 * IDLE_S)
    assert ward.statuses() == ["negative", "positive"]


def test_delete_leaves_what_was_not_analysed(ward: Ward, templates: list[Path]) -> None:
    good, bad = slices_of(templates[0], 1), slices_of(templates[1], 2)
    put(ward.inbox / "good", good | {"notes.txt": b"keep me"})
    put(ward.inbox / "bad", {name: data[:2500] for name, data in bad.items()})
    ward.watch(on_done="delete")
    left = sorted(str(p.relative_to(ward.inbox)) for p in ward.inbox.rglob("*") if p.is_file())
    assert left == sorted([f"bad/{name}" for name in bad] + ["good/notes.txt"])


def test_a_late_slice_of_a_deleted_study_does_not_undo_its_row(
    ward: Ward, templates: list[Path]
) -> None:
    slices = slices_of(templates[1], 1)
    put(ward.inbox, part(slices, 0, -1))
    before = ward.watch(on_done="delete")
    put(ward.inbox, part(slices, -1))
    after = ward.watch(on_done="delete")
    assert before == after
    assert [path.name for path in ward.inbox.iterdir()] == list(part(slices, -1))


def test_a_late_slice_of_a_moved_study_finds_the_others(
    ward: Ward, templates: list[Path], tmp_path: Path
) -> None:
    slices = slices_of(templates[1], 1)
    settings = {"on_done": "move", "done_to": tmp_path / "done"}
    put(ward.inbox / "s", part(slices, 0, -1))
    ward.watch(**settings)
    assert not [path for path in ward.inbox.rglob("*") if path.is_file()]
    put(ward.inbox / "s", part(slices, -1))
    rows = ward.watch(**settings)
    assert rows[0]["acquisition"]["n_slices"] == len(slices)
    assert len(list((tmp_path / "done").rglob("*.dcm"))) == len(slices)


def test_files_that_cannot_be_moved_are_told_of(
    ward: Ward, templates: list[Path], tmp_path: Path
) -> None:
    slices = slices_of(templates[1], 1)
    put(ward.inbox / "PHANTOM", slices)
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / "PHANTOM").write_text("in the way")
    ward.watch(on_done="move", done_to=tmp_path / "done")
    (warning,) = ward.warnings
    assert warning.startswith(f"{len(slices)} files of an analysed study could not be moved")
    assert "PHANTOM" not in warning
    health = read_health(ward.out)
    assert health is not None
    assert health["last_error"] == warning


def test_a_study_that_lost_slices_stays_until_it_is_whole(
    ward: Ward, templates: list[Path], tmp_path: Path
) -> None:
    slices = slices_of(templates[1], 1)
    lost = sorted(slices)[-1]
    settings = {"on_done": "move", "done_to": tmp_path / "done"}
    put(ward.inbox / "s", slices | {lost: b""})
    ward.watch(**settings)
    assert len(list(ward.inbox.rglob("*.dcm"))) == len(slices)
    (ward.inbox / "s" / lost).write_bytes(slices[lost])
    ward.watch(**settings)
    assert len(list((tmp_path / "done").rglob("*.dcm"))) == len(slices)


def test_the_results_may_lie_in_the_watched_folder(
    tmp_path: Path, card: Path, templates: list[Path]
) -> None:
    ward = Ward(tmp_path, card)
    ward.out = ward.inbox / "results"
    write_copies(templates, ward.inbox, 1)
    ward.watch()
    assert ward.statuses() == ["negative"]
    assert ward.scanned == 1


def test_the_watched_folder_may_lie_in_that_of_the_results(
    ward: Ward, templates: list[Path]
) -> None:
    write_copies(templates, ward.inbox, 1)
    ward.out = ward.inbox.parent
    ward.watch()
    assert ward.statuses() == ["negative"]


@pytest.mark.parametrize("name", ["--out", "--done-to"])
def test_the_watched_folder_itself_takes_no_results(ward: Ward, name: str) -> None:
    settings: dict[str, Any] = {}
    if name == "--out":
        ward.out = ward.inbox
    else:
        settings = {"on_done": "move", "done_to": ward.inbox}
    with pytest.raises(UsageError, match=f"choose another {name}"), ward.watched(**settings):
        pass
    assert not list(ward.inbox.iterdir())


def test_a_stop_ends_between_studies_and_loses_none(ward: Ward, templates: list[Path]) -> None:
    write_copies(templates, ward.inbox, 3)
    with ward.watched() as service:
        while not service._watcher.step():
            pass
        service._stop.ask("test")
        service.run(lambda: None)
    assert len(ward.rows()) == 1
    ward.watch()
    assert len(ward.rows()) == 3


def test_health_is_told(ward: Ward, templates: list[Path]) -> None:
    write_copies(templates, ward.inbox, 2)
    with ward.watched() as service:
        service.report()
        running = read_health(ward.out)
        assert running is not None
        assert running["state"] == "running"
        service.run(lambda: None, IDLE_S)
    health = read_health(ward.out)
    assert health is not None
    assert (health["state"], health["studies_done"], health["files_waiting"]) == ("stopped", 2, 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("out", "other"),
        ("format", ("csv",)),
        ("nice", 7),
        ("done_to", "done"),
        ("poll", 3.0),
        ("metrics_port", 9),
        ("metrics_address", "::1"),
    ],
)
def test_a_reload_does_not_change_what_is_set_at_the_start(
    ward: Ward, tmp_path: Path, name: str, value: object
) -> None:
    with ward.watched() as service:
        before = assembly, watch = service._assembly, service._settings
        if isinstance(value, str) and name != "metrics_address":
            value = tmp_path / value
        if name in ("out", "format", "nice"):
            settings = {"model": str(ward._card), "out": ward.out, "threads": 1, name: value}
            assembly = assemble((ward.inbox,), resolve(settings), command=("ich",))
        else:
            watch = watch.model_copy(update={name: value})
        changed = (assembly, watch.model_copy(update={"settle": 9.0}))
        service._reload(lambda: changed)
        assert (service._assembly, service._settings) == before
        assert service._watcher.settings is before[1]
    (warning,) = ward.warnings
    assert "could not be reloaded, the old one stays" in warning
    assert f": {name} cannot change" in warning
    assert str(tmp_path) not in warning


def test_a_reload_that_writes_the_same_folder_otherwise_is_taken(ward: Ward) -> None:
    with ward.watched() as service:
        assembly, watch = service._assembly, service._settings
        out = ward.out.parent / "in" / ".." / "out"
        again = replace(assembly, options=replace(assembly.options, out=out))
        service._reload(lambda: (again, watch.model_copy(update={"settle": 9.0})))
        assert service._watcher.settings.settle == 9.0
    assert ward.warnings == []


def test_two_watchers_do_not_share_an_output_folder(ward: Ward) -> None:
    with hold(ward.out), pytest.raises(LockedError), ward.watched():
        pass


def test_a_watched_folder_that_goes_away_ends_the_watcher(ward: Ward) -> None:
    with ward.watched(rewalk=0.1) as service:
        ward.inbox.rmdir()
        with pytest.raises(IchError, match="has gone"):
            service.run(lambda: None, 20)


@pytest.mark.parametrize("poll", [None, 0.1], ids=["events", "polling"])
@pytest.mark.parametrize("which", ["observer", "emitter"])
def test_a_source_that_died_ends_the_watcher(ward: Ward, poll: float | None, which: str) -> None:
    with ward.watched(poll=poll) as service:
        observer = service._watcher._source._observer
        thread = observer if which == "observer" else next(iter(observer.emitters))
        thread.stop()
        thread.join(10)
        with pytest.raises(IchError, match=r"no longer told; start again"):
            service.run(lambda: None, IDLE_S)
    assert read_health(ward.out)["state"] == "stopped"


def test_a_folder_that_was_away_between_two_looks_ends_the_watcher(ward: Ward) -> None:
    """What looks into it has ended by then, and would not see what comes."""
    with ward.watched(poll=0.1) as service:
        ward.inbox.rmdir()
        time.sleep(0.5)
        ward.inbox.mkdir()
        with pytest.raises(IchError, match="no longer told"):
            service.run(lambda: None, IDLE_S)
