from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ich_cli.config import resolve
from ich_cli.errors import IchError, LockedError, UsageError
from ich_cli.pipeline.assemble import assemble
from ich_cli.pipeline.lock import hold
from ich_cli.pipeline.watch_health import read_health
from tests.pipeline.ward import IDLE_S, Ward
from tests.quick import write_copies


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
