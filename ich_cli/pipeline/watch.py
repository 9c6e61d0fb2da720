"""The watcher: files come, studies settle, each is scanned once, and again when it changes.

One thread does the work, one study at a time, so memory is bounded by the largest series.
While it works, changes gather in a bounded queue; what does not fit there, or among the
files kept in mind, is found later by looking through the folders.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from ich_cli.dicom.beside import may_be_a_slice
from ich_cli.dicom.headers import read_header
from ich_cli.dicom.walk import is_zip
from ich_cli.domain import FileRef, Reason, Skipped
from ich_cli.errors import IchError, UsageError
from ich_cli.pipeline.attempt import attempt
from ich_cli.pipeline.settle import Settled, Settler, is_temporary
from ich_cli.pipeline.watch_after import tidy
from ich_cli.pipeline.watch_damaged import DamagedSlices
from ich_cli.pipeline.watch_settings import WatchSettings
from ich_cli.pipeline.watch_source import Change, Source, walk_files
from ich_cli.pipeline.watch_store import Stamp, WatchStore, stamp_of
from ich_cli.pipeline.watch_study import StudyOutcome

LONGEST_PAUSE_S = 1.0
"""A signal, or a reload, is answered within this time."""

ScanStudy = Callable[[Collection[Path]], StudyOutcome]


class Watcher:
    """Takes settled studies out of folders and has them scanned.

    Args:
        source: Tells of changes; entered by the caller.
        store: Knows the files that were dealt with.
        settings: How.
        scan_study: Scans the files of one study.
        leave_out: Folders that are never looked into, such as the results.
        on_error: Told of an unexpected error with one study; the watcher goes on.
        on_kept: Told how many files of a study could not be moved or deleted.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        source: Source,
        store: WatchStore,
        settings: WatchSettings,
        scan_study: ScanStudy,
        *,
        leave_out: Sequence[Path] = (),
        on_error: Callable[[Exception], None] = lambda _: None,
        on_kept: Callable[[int], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source, self._store, self._scan_study = source, store, scan_study
        self._on_error, self._on_kept, self._clock = on_error, on_kept, clock
        self._leave_out = tuple(leave_out)
        self._settler: Settler[Path] = Settler(settings.settle, settings.max_files)
        self._damaged = DamagedSlices(store, self._settler)
        self._stamps: dict[Path, Stamp] = {}
        self._next_walk = clock()
        self._overfull = False
        self.settings = settings
        self.studies_done = 0
        self.last_wait_s = 0.0
        """How long the study taken last had waited since its first file came."""

    @property
    def files_waiting(self) -> int:
        """Files that came and were not yet taken."""
        return len(self._settler)

    @property
    def studies_waiting(self) -> int:
        """Studies that came and were not yet taken."""
        return self._settler.n_studies

    @property
    def oldest_waiting_s(self) -> float | None:
        """Age of the study that has waited longest."""
        oldest = self._settler.oldest()
        return None if oldest is None else self._clock() - oldest

    def use(self, settings: WatchSettings) -> None:
        """Go on with other settings; the folders and the way of watching stay."""
        self.settings = settings
        self._settler.settle_s, self._settler.max_files = settings.settle, settings.max_files

    def step(self) -> bool:
        """Take changes in, wait for some if there is nothing else to do, do one study.

        Returns:
            Whether a study was taken.

        Raises:
            IchError: The run cannot go on: a watched folder has gone or is no longer told
                of, the output folder cannot be written, the device is lost.
        """
        self._need_news()
        now = self._clock()
        due = self._settler.next_due()
        pause = LONGEST_PAUSE_S if due is None else min(LONGEST_PAUSE_S, max(0.0, due - now))
        self._take_in(self._source.wait(pause))
        if self._source.lost_some() or self._clock() >= self._next_walk:
            self._walk()
        self._look_into_quiet_files()
        settled = self._settler.take(self._clock(), self._has_changed)
        if settled is None:
            return False
        self._work_on(settled)
        if self._overfull and len(self._settler) < self.settings.max_files // 2:
            self._next_walk = self._clock()
        return True

    def _take_in(self, changes: Iterable[Change]) -> None:
        gone = []
        for change in dict.fromkeys(changes):
            if change.gone:
                gone.append(change.path)
                self._settler.gone(change.path)
                self._stamps.pop(change.path, None)
            elif change.folder:
                for path in walk_files(change.path):
                    self._consider(path)
            else:
                self._consider(change.path)
        gone = [path for path in gone if stamp_of(path) is None]
        if gone:
            whole = self._damaged.gone(gone)
            self._store.forget(gone)
            self._reopen(whole)

    def _consider(self, path: Path) -> None:
        """Note a file that came or changed, unless it was dealt with as it is."""
        if is_temporary(path) or any(path.is_relative_to(place) for place in self._leave_out):
            return
        stamp = stamp_of(path)
        if stamp is None or stamp == self._stamps.get(path) or self._store.knows(path, stamp):
            return
        if self._settler.touch(path, self._clock()):
            self._stamps[path] = stamp
        else:
            self._overfull = True

    def _walk(self) -> None:
        """Look through everything for what no event told of."""
        self._overfull = False
        self._need_folders()
        for folder in self._source.folders:
            for path in walk_files(folder):
                self._consider(path)
        self._store.forget_missing()
        self._next_walk = self._clock() + self.settings.rewalk

    def _need_folders(self) -> None:
        for folder in self._source.folders:
            if not folder.is_dir():
                raise IchError(
                    f"the watched folder {folder} has gone; bring it back and start again"
                )

    def _need_news(self) -> None:
        """End rather than wait for ever: a service manager starts the watcher anew."""
        if not self._source.alive:
            self._need_folders()
            raise IchError("changes in the watched folders are no longer told; start again")

    def _look_into_quiet_files(self) -> None:
        strangers = []
        for path in self._settler.unplaced(self._clock()):
            study = _study_of(path)
            known = None if isinstance(study, Reason) else study
            if self._settler.place(path, known, self._clock()):
                continue
            stamp = self._stamps.pop(path, None)
            if stamp is None:
                continue
            if isinstance(study, Reason) and may_be_a_slice(Skipped(FileRef(path), study)):
                self._reopen(self._damaged.keep(path, stamp))
            else:
                strangers.append((path, stamp))
        if strangers:
            self._store.remember(None, strangers)

    def _reopen(self, studies: Collection[str]) -> None:
        """Have studies that were taken looked at again: a slice is lost, or no longer."""
        for study in studies:
            one = self._store.files_of(study)[:1]
            self._store.forget(one)
            for path in one:
                self._consider(path)

    def _has_changed(self, path: Path) -> bool:
        """Whether a file is another than when it was last told of, without an event."""
        stamp = stamp_of(path)
        if stamp is None or stamp == self._stamps.get(path):
            return False
        self._stamps[path] = stamp
        return True

    def _work_on(self, settled: Settled[Path]) -> None:
        for path in settled.files:
            self._stamps.pop(path, None)
        files = _stamped({*settled.files, *self._store.files_of(settled.study)})
        if not files:
            return
        lost = _stamped(self._damaged.lost_to(settled.study, files) - {*files})
        self.last_wait_s = self._clock() - settled.since
        outcome = attempt(lambda: self._try({*files, *lost}))
        if isinstance(outcome, Exception):
            # Dealt with, if badly: it must not come back for ever.
            self._on_error(outcome)
            self._store.remember(settled.study, files.items())
            return
        if outcome is None:
            self._take_in(Change(path) for path in files)
            return
        if outcome.stopped:
            return
        self._store.remember(settled.study, files.items())
        self._damaged.take(settled.study, lost.items())
        self._tidy(outcome, files)
        self.studies_done += 1

    def _try(self, files: Collection[Path]) -> StudyOutcome | None:
        """The outcome, or ``None`` when files went away meanwhile: to be looked at again."""
        try:
            return self._scan_study(files)
        except UsageError:
            if all(path.exists() for path in files):
                raise
            return None

    def _tidy(self, outcome: StudyOutcome, files: dict[Path, Stamp]) -> None:
        done_to, mode = self.settings.done_to, self.settings.on_done
        tidied = tidy(outcome, files.items(), mode, self._source.folders, done_to)
        if tidied.moved:
            self._store.moved(tidied.moved)
        if tidied.deleted:
            self._store.forget(tidied.deleted)
        if tidied.kept_by_error:
            self._on_kept(len(tidied.kept_by_error))


def _study_of(path: Path) -> str | Reason:
    """A name for the study a file is of, or why the file tells none."""
    if is_zip(path):
        return f"archive {path}"
    header = read_header(FileRef(path))
    if isinstance(header, Reason):
        return header
    return header.study_uid or f"folder {path.parent}"


def _stamped(paths: Collection[Path]) -> dict[Path, Stamp]:
    """Those of the files that are there, as they are."""
    return {path: stamp for path in paths if (stamp := stamp_of(path)) is not None}
