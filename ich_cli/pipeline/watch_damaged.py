"""Damaged files in watched folders that may be slices: each is lost to one study at most."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from ich_cli.dicom.beside import suffix_of
from ich_cli.domain import FileRef
from ich_cli.pipeline.settle import Settler
from ich_cli.pipeline.watch_store import Stamp, WatchStore

_IN, _OF = "damaged in ", "damaged of "
"""Begin the names under which files are stored that no study has taken, and that one has."""


class DamagedSlices:
    """Which study a damaged file may be a slice of, as far as the folder it lies in tells.

    Args:
        store: Keeps them.
        waiting: The files that are not yet taken.
    """

    def __init__(self, store: WatchStore, waiting: Settler[Path]) -> None:
        self._store, self._waiting = store, waiting

    def keep(self, path: Path, stamp: Stamp) -> set[str]:
        """Keep a damaged file; the study that has its folder to itself is to be read again."""
        self._store.remember(f"{_IN}{path.parent}", [(path, stamp)])
        studies = self._studies_in(path.parent)
        return studies if len(studies) == 1 else set()

    def lost_to(self, study: str, slices: Collection[Path]) -> set[Path]:
        """Files that ``study`` lacks, by their suffix, in folders it has to itself.

        What it was found to lack before is among them, wherever others have come since.
        """
        suffixes = {suffix_of(FileRef(path)) for path in slices}
        lost = set(self._store.files_of(f"{_OF}{study}"))
        for folder in {path.parent for path in slices}:
            found = self._store.files_of(f"{_IN}{folder}")
            if found and self._studies_in(folder) <= {study}:
                lost |= {path for path in found if suffix_of(FileRef(path)) in suffixes}
        return lost

    def take(self, study: str, files: Iterable[tuple[Path, Stamp]]) -> None:
        """Note that ``study`` was read as one that lacks these files."""
        self._store.remember(f"{_OF}{study}", files)

    def gone(self, paths: Iterable[Path]) -> set[str]:
        """Studies that lacked one of ``paths``, to be read again now that it is gone."""
        names = {self._store.study_of(path) or "" for path in paths}
        return {name.removeprefix(_OF) for name in names if name.startswith(_OF)}

    def _studies_in(self, folder: Path) -> set[str]:
        names = self._store.studies_in(folder) | self._waiting.studies_in(folder)
        return {name for name in names if not name.startswith((_IN, _OF))}
