from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipeline.ward import IDLE_S, Ward, part, put
from tests.quick import slices_of


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
