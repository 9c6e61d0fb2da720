"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ich_cli.errors import OutputError

FILE_MODE = 0o640
"""Results may hold study UIDs and dates: the owner writes, the group reads, others nothing."""


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; on success it takes the place of ``path``.

    The temporary name keeps the suffix, for libraries that choose the format by it. On any
    error the temporary file is removed and ``path`` stays as it was.

    Raises:
        OutputError: The folder is not writable or the disk is full.
    """
    with _as_output_error(path):
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=".ich-", suffix="".join(path.suffixes)
        )
        os.close(handle)
        made = Path(name)
        try:
            yield made
            _sync(made)
            made.chmod(FILE_MODE)
            made.replace(path)
        except BaseException:
            made.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)


@contextmanager
def atomic_text(path: Path) -> Iterator[TextIO]:
    """Yield a UTF-8 text file that takes the place of ``path`` when the block ends well.

    Raises:
        OutputError: The folder is not writable or the disk is full.
    """
    with atomic_path(path) as made, made.open("w", encoding="utf-8", newline="") as file:
        yield file
        file.flush()


def make_folder(folder: Path) -> None:
    """Make an output folder and prove that a file can be written there.

    Raises:
        OutputError: It cannot be made or written; nothing is left behind.
    """
    with _as_output_error(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=".ich-")
        try:
            os.write(handle, b"\n")
        finally:
            os.close(handle)
            Path(name).unlink(missing_ok=True)


@contextmanager
def _as_output_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise output_error(path, err) from err


def output_error(path: Path, err: OSError) -> OutputError:
    """The one line for a file that cannot be written."""
    cause = err.strerror or type(err).__name__
    return OutputError(
        f"cannot write {path}: {cause}; check the folder's permissions and free space, "
        "or choose another with --out"
    )


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable; not every system can open a folder."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        # Some network file systems refuse to sync a folder; the file itself is safe.
        pass
    finally:
        os.close(handle)
