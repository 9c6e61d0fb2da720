"""What happens to the files of a study that has been worked on: kept, moved or deleted.

Only what was analysed is ever moved or deleted: a study with any series that failed, that lost
slices or could not be judged, stays where it is, and so does every file that was not used.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from ich_cli.pipeline.watch_store import Stamp, stamp_of
from ich_cli.pipeline.watch_study import StudyOutcome


@dataclass(frozen=True, slots=True)
class Tidied:
    """What was done to files; ``kept_by_error`` could not be moved or deleted."""

    moved: tuple[tuple[Path, Path], ...] = ()
    deleted: tuple[Path, ...] = ()
    kept_by_error: tuple[Path, ...] = ()


def tidy(
    outcome: StudyOutcome,
    files: Iterable[tuple[Path, Stamp]],
    mode: Literal["keep", "move", "delete"],
    roots: Sequence[Path],
    done_to: Path | None = None,
) -> Tidied:
    """Do with the files of a study what was asked for.

    Args:
        outcome: What became of the study.
        files: Its files, as they were when it was taken. One that has changed since is
            left alone: it is not what was analysed.
        mode: ``keep`` does nothing. ``move`` takes a study whose every row is an answer to
            ``done_to``, whole. ``delete`` removes the files whose pixels were analysed.
        roots: The watched folders; below ``done_to`` files keep their place below these.
        done_to: For ``move``.
    """
    if mode == "keep" or not outcome.complete:
        return Tidied()
    same = [path for path, stamp in files if stamp_of(path) == stamp]
    if mode == "delete":
        return _delete([path for path in same if path in outcome.used])
    if done_to is None:
        raise ValueError("mode move needs done_to")
    return _move(same, roots, done_to)


def _delete(files: Collection[Path]) -> Tidied:
    deleted = tuple(path for path in files if _done(path.unlink))
    return Tidied(deleted=deleted, kept_by_error=tuple(sorted({*files} - {*deleted})))


def _move(files: Collection[Path], roots: Sequence[Path], done_to: Path) -> Tidied:
    moved = []
    for path in files:
        target = _free(done_to / _below(path, roots))
        if _done(partial(_move_one, path, target)):
            moved.append((path, target))
    kept = {*files} - {old for old, _ in moved}
    return Tidied(moved=tuple(moved), kept_by_error=tuple(sorted(kept)))


def _done(change: Callable[[], None]) -> bool:
    try:
        change()
    except OSError:
        return False
    return True


def _move_one(source: Path, target: Path) -> None:
    """Rename; between file systems copy whole, then remove: never half a file in place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError:
        unfinished = target.with_name(f".{target.name}.part")
        try:
            shutil.copy2(source, unfinished)
            with unfinished.open("rb+") as file:
                os.fsync(file.fileno())
            unfinished.rename(target)
        finally:
            unfinished.unlink(missing_ok=True)
        source.unlink()


def _below(path: Path, roots: Sequence[Path]) -> Path:
    for root in roots:
        if path.is_relative_to(root):
            return path.relative_to(root)
    return Path(path.name)


def _free(target: Path) -> Path:
    """A path that is not taken: a file of the same name is never overwritten."""
    free, number = target, 0
    while free.exists() or free.is_symlink():
        number += 1
        free = target.with_name(f"{target.stem}-{number}{target.suffix}")
    return free
