"""What happens to the input while it is read harms the series concerned and no other."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ich_cli.errors import ExitCode
from ich_cli.pipeline.events import Event, Finished, Started
from ich_cli.pipeline.worker import Decoder, Load
from ich_cli.pipeline.worker_limits import Limits
from tests.quick import slices_of

from .loaders import hang_over_the_second, segfault_over_the_second
from .runs import rows, scan

Harm = Callable[[list[Path]], None]


def during(number: int, harm: Harm) -> Callable[[Event], None]:
    """Do harm to the files of series ``number`` after its headers and before its pixels."""

    def listen(event: Event) -> None:
        if isinstance(event, Started) and event.index == number:
            harm([instance.file.path for instance in event.series.instances])

    return listen


def by_study(out: Path) -> list[dict[str, Any]]:
    return sorted(rows(out).values(), key=lambda row: row["patient_id"])


def truncate_all(files: list[Path]) -> None:
    for path in files:
        os.truncate(path, 1500)


def truncate_half(files: list[Path]) -> None:
    for path in files[::2]:
        os.truncate(path, path.stat().st_size - 3000)


def fill_with_noise(files: list[Path]) -> None:
    for path in files:
        path.write_bytes(os.urandom(path.stat().st_size))


def turn_into_folders(files: list[Path]) -> None:
    for path in files:
        path.unlink()
        path.mkdir()


def turn_into_loops(files: list[Path]) -> None:
    for path in files:
        path.unlink()
        path.symlink_to(path)


def delete(files: list[Path]) -> None:
    shutil.rmtree(files[0].parent)


@pytest.mark.parametrize(
    "harm",
    [truncate_all, truncate_half, fill_with_noise, turn_into_folders, turn_into_loops, delete],
)
def test_one_series_that_is_harmed_while_read_costs_itself_alone(
    tmp_path: Path, studies: Path, card: Path, harm: Harm
) -> None:
    scan(studies, tmp_path / "undisturbed", card)
    expected = rows(tmp_path / "undisturbed")
    harmed: list[str] = []

    def note(files: list[Path]) -> None:
        harmed.append(files[0].parent.name)
        harm(files)

    outcome = scan(studies, tmp_path / "out", card, during(1, note))
    found = rows(tmp_path / "out")
    assert outcome.exit_code == ExitCode.INCOMPLETE
    assert found.keys() == expected.keys()
    changed = [key for key in found if found[key] != expected[key]]
    assert len(changed) == 1
    assert found[changed[0]]["status"] in ("failed", "not_analysable")
    assert found[changed[0]]["reason"]["code"]


def test_a_series_that_was_harmed_is_scanned_again_once_it_is_whole(
    tmp_path: Path, studies: Path, card: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(studies, copy)
    scan(studies, tmp_path / "out", card, during(0, truncate_half))
    shutil.rmtree(studies)
    shutil.copytree(copy, studies)
    outcome = scan(studies, tmp_path / "out", card, retry_failed=True, redo=False)
    assert outcome.exit_code in (ExitCode.OK, ExitCode.INCOMPLETE)
    scan(studies, tmp_path / "out", card, redo=True)
    scan(studies, tmp_path / "undisturbed", card)
    assert rows(tmp_path / "out") == rows(tmp_path / "undisturbed")


def test_files_replaced_by_another_patients_are_never_mixed_in(
    tmp_path: Path, studies: Path, card: Path, templates: list[Path]
) -> None:
    """The volume is of the series that was selected, or there is none."""
    other = list(slices_of(templates[1], 999).values())

    def replace(files: list[Path]) -> None:
        for path, data in zip(files, other, strict=False):
            path.write_bytes(data)

    scan(studies, tmp_path / "out", card, during(0, replace))
    bleeding = [row for row in by_study(tmp_path / "out") if row["status"] == "positive"]
    assert len(bleeding) == 1, "only the second study bleeds"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="POSIX permissions")
def test_files_that_may_not_be_read_are_counted_and_not_scanned(
    tmp_path: Path, studies: Path, card: Path
) -> None:
    locked = sorted(studies.iterdir())[0]
    for path in locked.iterdir():
        path.chmod(0)
    try:
        if os.geteuid() == 0:
            pytest.skip("root may read everything")
        outcome = scan(studies, tmp_path / "out", card)
    finally:
        for path in locked.iterdir():
            path.chmod(0o644)
    assert outcome.exit_code == ExitCode.OK
    assert len(rows(tmp_path / "out")) == 3


@pytest.mark.parametrize(
    ("load", "code"),
    [(segfault_over_the_second, "decoder_crashed"), (hang_over_the_second, "decoder_timed_out")],
)
def test_a_decoder_that_dies_or_hangs_costs_one_series(
    load: Load, code: str, tmp_path: Path, studies: Path, card: Path
) -> None:
    with Decoder(load, Limits(seconds=8)) as decoder:
        outcome = scan(studies, tmp_path / "out", card, load=decoder)
    scan(studies, tmp_path / "undisturbed", card)
    found, expected = by_study(tmp_path / "out"), by_study(tmp_path / "undisturbed")
    assert outcome.exit_code == ExitCode.INCOMPLETE
    lost = [row for row, true in zip(found, expected, strict=True) if row != true]
    assert [(row["status"], row["reason"]["code"]) for row in lost] == [("failed", code)]


def test_a_study_deleted_before_its_turn_is_said_to_have_failed(
    tmp_path: Path, studies: Path, card: Path
) -> None:
    def delete_the_rest(event: Event) -> None:
        if isinstance(event, Finished) and event.index == 1:
            shutil.rmtree(studies)

    outcome = scan(studies, tmp_path / "out", card, delete_the_rest)
    statuses = [row["status"] for row in rows(tmp_path / "out").values()]
    assert outcome.exit_code == ExitCode.INCOMPLETE
    assert len(statuses) == 4
    assert sum(status in ("failed", "not_analysable") for status in statuses) == 2
