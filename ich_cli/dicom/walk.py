"""Every file below some paths, once each, without falling into loops."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ich_cli.dicom.archive import ZIP_MAGIC, list_members
from ich_cli.dicom.codes import Code, because
from ich_cli.dicom.nifti import is_nifti
from ich_cli.domain import FileRef, Skipped
from ich_cli.errors import UsageError


@dataclass(slots=True)
class Walk:
    """What a walk has found: files to read, and what cannot be."""

    files: list[FileRef] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    _left_out: set[tuple[int, int]] = field(default_factory=set)
    _folders: set[tuple[int, int]] = field(default_factory=set)
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def skip(self, path: Path, code: Code, detail: str = "") -> None:
        """Account for a path that is not read."""
        self.skipped.append(Skipped(FileRef(path), because(code, detail)))


def walk(paths: Sequence[Path], *, leave_out: Collection[Path] = ()) -> Walk:
    """List all files below ``paths`` in a stable order.

    Links are followed; a folder that is met again, through a link or because ``paths``
    overlap, is not entered twice.

    Args:
        paths: Files and folders.
        leave_out: Folders of results, not entered below ``paths``: label volumes are no scans.
            One that is itself among ``paths`` was asked for, and is.

    Returns:
        The files, members of zip archives among them, and what was skipped at sight.

    Raises:
        UsageError: A path does not exist.
    """
    found = Walk()
    for path in leave_out:
        with suppress(OSError):
            found._left_out.add(_identity(path.stat()))
    for path in paths:
        if not os.path.lexists(path):
            raise UsageError(f"{path}: no such file or folder; check the path")
        _walk_one(path, found)
    return found


def _walk_one(root: Path, found: Walk) -> None:
    """Visit ``root`` and all below it, depth first, with a list in place of the call stack.

    Backups that have copied themselves into themselves nest a thousand folders deep.
    """
    # The folders from the root down to the one in hand.
    above: list[tuple[int, int]] = []
    to_visit = [(root, 0)]
    while to_visit:
        path, depth = to_visit.pop()
        del above[depth:]
        below = _visit(path, found, above, is_root=depth == 0)
        to_visit.extend((entry, depth + 1) for entry in reversed(below))


def _visit(
    path: Path, found: Walk, above: list[tuple[int, int]], *, is_root: bool
) -> Sequence[Path]:
    """Note a file; of a folder, put it on ``above`` and give what is in it."""
    try:
        info = path.stat()
    except OSError as error:
        code = Code.BROKEN_LINK if path.is_symlink() else Code.UNREADABLE
        found.skip(path, code, type(error).__name__)
        return ()
    identity = _identity(info)
    if stat.S_ISDIR(info.st_mode):
        if identity in found._left_out and not is_root:
            found.skip(path, Code.OWN_OUTPUT, "a folder that results are written to")
        elif identity in above:
            found.skip(path, Code.SYMLINK_LOOP, "a link to a folder above it")
        elif identity not in found._folders:
            found._folders.add(identity)
            above.append(identity)
            return _list(path, found)
        elif not is_root:
            found.skip(path, Code.FOLDER_SEEN, "a folder that was read under another name")
    elif not stat.S_ISREG(info.st_mode):
        found.skip(path, Code.NOT_A_FILE, "a device, pipe or socket")
    elif not (is_root and identity in found._seen):
        found._seen.add(identity)
        _add_file(path, info.st_size, found)
    return ()


def _identity(info: os.stat_result) -> tuple[int, int]:
    return info.st_dev, info.st_ino


def _list(folder: Path, found: Walk) -> Sequence[Path]:
    """What is in a folder: links last, so that a folder is met first by its own name."""
    try:
        with os.scandir(folder) as entries:
            listing = sorted(entries, key=lambda entry: (entry.is_symlink(), entry.name))
    except OSError as error:
        found.skip(folder, Code.UNREADABLE_FOLDER, type(error).__name__)
        return ()
    return [Path(entry.path) for entry in listing]


def _add_file(path: Path, size: int, found: Walk) -> None:
    if size == 0 and not is_nifti(FileRef(path)):
        found.skip(path, Code.EMPTY_FILE)
        return
    if is_zip(path):
        files, skipped = list_members(path)
        found.files.extend(files)
        found.skipped.extend(skipped)
        return
    found.files.append(FileRef(path))


def is_zip(path: Path) -> bool:
    """Whether the file begins as a zip archive does; ``False`` where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(4) in ZIP_MAGIC
    except OSError:
        return False
