from __future__ import annotations

from pathlib import Path

from ich_cli.pipeline.watch_health import read_health
from tests.pipeline.ward import Ward, part, put
from tests.quick import slices_of


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
