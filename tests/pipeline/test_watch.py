from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from pydicom import dcmread

from ich_cli.pipeline import watch_service
from ich_cli.pipeline.watch_source import Source
from tests.pipeline.ward import IDLE_S, Ward, part, put
from tests.quick import EMPTY_SERIES, slices_of, write_copies, write_empty_series


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
