"""When is a study complete? Events and a clock in, settled studies out.

Nobody tells when a PACS has sent the last slice. A study counts as complete when none of
its files has changed for a while; a slice that comes later opens it again. No I/O and no
sleeping here: time is an argument, so that it can be tested to the last corner.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Generic, TypeVar

P = TypeVar("P", bound=PurePath)

PATIENCE = 10
"""A file that tells nothing holds up its folder for at most so many settling times."""

PEEK_AFTER_S = 1.0
"""A file is opened to see which study it is of once it has been quiet for so long."""

TEMPORARY_SUFFIXES = frozenset(
    {".crdownload", ".filepart", ".part", ".partial", ".swp", ".temp", ".tmp", ".writing"}
)


def is_temporary(path: PurePath) -> bool:
    """Whether the name says that the file will be renamed once it is whole."""
    name = path.name
    return (
        name.startswith((".", "~"))
        or name.endswith("~")
        or path.suffix.lower() in (TEMPORARY_SUFFIXES)
    )


@dataclass(slots=True)
class _File:
    came: float
    changed: float
    study: str | None = None
    peeked: float | None = None


@dataclass(slots=True)
class _Study(Generic[P]):
    since: float
    files: set[P] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Settled(Generic[P]):
    """A study none of whose files has changed for the settling time.

    Attributes:
        study: Its name, as given to ``place``.
        files: Those of its files that have come or changed since it was last taken.
        since: When the first of them came.
    """

    study: str
    files: frozenset[P]
    since: float


class Settler(Generic[P]):
    """Keeps the files that have come and not yet been taken; bounded.

    Times are seconds of one clock that does not jump (monotonic).

    Args:
        settle_s: A study is taken when its files have been quiet for so long.
        max_files: When there are so many files, those of further folders are not taken in:
            ``touch`` says so, and the caller looks again later. Folders that are being
            taken in are completed, up to twice the number, so as not to tear studies apart.
    """

    def __init__(self, settle_s: float, max_files: int = 200_000) -> None:
        self.settle_s = settle_s
        self.max_files = max_files
        self._files: dict[P, _File] = {}
        self._folders: Counter[PurePath] = Counter()
        self._silent: dict[PurePath, set[P]] = {}
        self._studies: dict[str, _Study[P]] = {}

    def __len__(self) -> int:
        return len(self._files)

    @property
    def n_studies(self) -> int:
        """Studies that have come and not yet been taken."""
        return len(self._studies)

    def oldest(self) -> float | None:
        """When the study that has waited longest began to come."""
        return min((study.since for study in self._studies.values()), default=None)

    def studies_in(self, folder: PurePath) -> set[str]:
        """Studies of which files in ``folder`` itself have come and not yet been taken."""
        return {
            file.study
            for path, file in self._files.items()
            if file.study is not None and path.parent == folder
        }

    def touch(self, path: P, now: float) -> bool:
        """A file has come or changed. ``False`` when there is no room for it."""
        known = self._files.get(path)
        if known is not None:
            known.changed, known.peeked = now, None
            return True
        room = self.max_files * (2 if self._folders[path.parent] else 1)
        if len(self._files) >= room:
            return False
        self._files[path] = _File(now, now)
        self._folders[path.parent] += 1
        self._silent.setdefault(path.parent, set()).add(path)
        return True

    def gone(self, path: P) -> None:
        """A file was deleted or moved away."""
        file = self._drop(path)
        if file is not None and file.study is not None:
            self._leave(path, file.study)

    def unplaced(self, now: float) -> list[P]:
        """Quiet files to be looked into: of which study are they?

        A file that told nothing is asked once more after the settling time, then dropped.
        """
        quiet = min(PEEK_AFTER_S, self.settle_s)
        return [
            path
            for path, file in self._files.items()
            if now >= file.changed + (quiet if file.peeked is None else self.settle_s)
            and (file.peeked is None or file.study is None)
        ]

    def place(self, path: P, study: str | None, now: float) -> bool:
        """Say which study a file is of; ``None`` when it did not tell.

        Returns:
            Whether the file is still kept: ``False`` when it is no file of any study.
        """
        file = self._files.get(path)
        if file is None:
            return False
        again = now >= file.changed + self.settle_s
        if study is None and file.study is None and again:
            self._drop(path)
            return False
        file.peeked = now
        if study is None or study == file.study:
            return True
        self._has_told(path)
        if file.study is not None:
            self._leave(path, file.study)
        file.study = study
        self._studies.setdefault(study, _Study(file.changed)).files.add(path)
        return True

    def take(self, now: float, changed: Callable[[P], bool] | None = None) -> Settled[P] | None:
        """Take the settled study that has waited longest, if there is one.

        Args:
            now: The time.
            changed: Asked for every file of the study before it is taken; a file that has
                changed without an event keeps the study waiting.
        """
        for name, study in sorted(self._studies.items(), key=lambda item: item[1].since):
            if not self._quiet(study, now):
                continue
            late = [path for path in study.files if changed is not None and changed(path)]
            if late:
                for path in late:
                    self.touch(path, now)
                continue
            del self._studies[name]
            for path in study.files:
                self._drop(path)
            return Settled(name, frozenset(study.files), study.since)
        return None

    def next_due(self) -> float | None:
        """When it is worth looking again, if nothing more comes."""
        quiet = min(PEEK_AFTER_S, self.settle_s)
        times = [
            file.changed + (quiet if file.peeked is None else self.settle_s)
            for file in self._files.values()
        ]
        return min(times, default=None)

    def _quiet(self, study: _Study[P], now: float) -> bool:
        """Whether nothing of the study, and nothing that may be of it, has changed of late.

        A file beside it that came in time, and has not yet told what it is, may be one more
        slice, half written; what comes later is a late slice, and waited for no more.
        """
        files = [self._files[path] for path in study.files]
        if any(file.peeked is None for file in files):
            return False
        settled = max(file.changed for file in files) + self.settle_s
        if now < settled:
            return False
        patience = PATIENCE * self.settle_s
        return not any(
            self._files[path].came <= settled and now < self._files[path].came + patience
            for folder in {path.parent for path in study.files}
            for path in self._silent.get(folder, ())
        )

    def _drop(self, path: P) -> _File | None:
        file = self._files.pop(path, None)
        if file is not None:
            self._has_told(path)
            self._folders[path.parent] -= 1
            if not self._folders[path.parent]:
                del self._folders[path.parent]
        return file

    def _has_told(self, path: P) -> None:
        silent = self._silent.get(path.parent, set())
        silent.discard(path)
        if not silent:
            self._silent.pop(path.parent, None)

    def _leave(self, path: P, name: str) -> None:
        study = self._studies[name]
        study.files.discard(path)
        if not study.files:
            del self._studies[name]
