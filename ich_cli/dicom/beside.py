"""Unread files beside a series that may be slices of it.

A copy that breaks off leaves files that are empty, cut, or full of zeros: nothing in them
tells of which series they are, but where they lie does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from ich_cli.dicom.codes import Code
from ich_cli.dicom.grouping import folder_of
from ich_cli.domain import FileRef, Reason, Series, Skipped

_BROKEN = frozenset(
    code.value
    for code in (Code.EMPTY_FILE, Code.UNREADABLE, Code.BROKEN_HEADER, Code.BROKEN_ARCHIVE)
)


def note_unread(series: Sequence[Series], skipped: Iterable[Skipped]) -> tuple[Series, ...]:
    """Give each series the reasons of the unread files that may be slices of it.

    Those are files in a folder of the series, called with the same suffix. A folder that holds
    several studies tells nothing.
    """
    studies: dict[str, set[tuple[str, str | None]]] = defaultdict(set)
    for one in series:
        for folder in _folders(one):
            studies[folder].add((one.study_uid, one.first.patient_id))
    unread: dict[str, list[Skipped]] = defaultdict(list)
    for skip in skipped:
        folder = folder_of(skip.file)
        if len(studies.get(folder, ())) == 1 and may_be_a_slice(skip):
            unread[folder].append(skip)
    return tuple(_with(one, unread) for one in series) if unread else tuple(series)


def may_be_a_slice(skip: Skipped) -> bool:
    """Whether a file is damaged, as far as that shows, and not merely something else."""
    if _name(skip.file).startswith("."):
        return False
    if skip.reason.code == Code.NOT_DICOM.value:
        return suffix_of(skip.file) == ".dcm"
    return skip.reason.code in _BROKEN


def suffix_of(file: FileRef) -> str:
    """Suffix of the name; numbers after the last dot, as in names that are UIDs, are none."""
    suffix = PurePosixPath(_name(file)).suffix.lower()
    return "" if suffix[1:].isdigit() else suffix


def _with(series: Series, unread: dict[str, list[Skipped]]) -> Series:
    if series.first.frames > 1:
        return series  # One file holds the whole stack.
    suffixes = {suffix_of(item.file) for item in series.instances}
    reasons: list[Reason] = [
        skip.reason
        for folder in sorted(_folders(series))
        for skip in unread.get(folder, ())
        if suffix_of(skip.file) in suffixes
    ]
    return replace(series, unread=tuple(reasons)) if reasons else series


def _folders(series: Series) -> set[str]:
    return {folder_of(item.file) for item in series.instances}


def _name(file: FileRef) -> str:
    return file.path.name if file.member is None else PurePosixPath(file.member).name
