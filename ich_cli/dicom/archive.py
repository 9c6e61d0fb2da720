"""Zip archives, read in place: nothing is unpacked to disk, and nothing absurd is read."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO, cast

from ich_cli.dicom.codes import Code, because
from ich_cli.dicom.limits import FAILURES, MAX_INFLATED_BYTES, MIB, RATIO_FREE_BYTES
from ich_cli.domain import FileRef, Reason, Skipped

MAX_MEMBERS = 200_000
MAX_RATIO = 200
"""Uncompressed over compressed bytes; CT reaches about ten, blank slices a thousand."""
MAX_ARCHIVE_BYTES = 256 * 1024 * MIB
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_PACKED = (
    (0, b"\x1f\x8b"),
    (4, b"1AY&SY"),
    (0, b"\xfd7zXZ\0"),
    (0, b"7z\xbc\xaf\x27\x1c"),
    (0, b"Rar!\x1a\x07"),
    (257, b"ustar"),
)
"""Where in a file of gzip, bzip2, xz, 7z, rar and tar its mark stands."""


def list_members(path: Path) -> tuple[list[FileRef], list[Skipped]]:
    """List an archive's files without reading them.

    Args:
        path: A zip file.

    Returns:
        The members worth reading, and those refused (or the whole archive), with reasons.
        Folders inside the archive are not files and appear in neither.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            compressed = path.stat().st_size
    except FAILURES as error:
        return [], [Skipped(FileRef(path), because(Code.BROKEN_ARCHIVE, type(error).__name__))]
    if refused := _check_archive(members, compressed):
        return [], [Skipped(FileRef(path), refused)]
    files: list[FileRef] = []
    skipped: list[Skipped] = []
    seen: set[str] = set()
    for info in members:
        ref = FileRef(path, info.filename)
        reason = _check_member(info)
        if reason is None and info.filename in seen:
            reason = because(Code.BROKEN_ARCHIVE, "two members of one name")
        seen.add(info.filename)
        if reason is None:
            files.append(ref)
        else:
            skipped.append(Skipped(ref, reason))
    return files, skipped


def packed(head: bytes, *, in_archive: bool) -> Reason | None:
    """Why a file is to be unpacked before it can be read; ``None`` when it is no archive.

    Args:
        head: Its first bytes, 262 at least where it has as many.
        in_archive: It is a member of an archive itself; other zip archives are read.
    """
    if in_archive and head[:4] in ZIP_MAGIC:
        return because(Code.NESTED_ARCHIVE, "unpack the archive around it")
    if any(head[at : at + len(mark)] == mark for at, mark in _PACKED):
        return because(Code.UNPACK_FIRST, "of archives only zip is read as it is")
    return None


@contextmanager
def open_file(ref: FileRef, archive: zipfile.ZipFile | None = None) -> Iterator[BinaryIO]:
    """Open a file or an archive's member for reading.

    Args:
        ref: What to open.
        archive: The archive at ``ref.path`` when it is open already.

    Raises:
        OSError: The file cannot be opened.
        zipfile.BadZipFile: The archive is damaged.
    """
    if ref.member is None:
        with ref.path.open("rb") as stream:
            yield stream
    elif archive is not None:
        with archive.open(ref.member) as member:
            yield cast(BinaryIO, member)
    else:
        with zipfile.ZipFile(ref.path) as opened, opened.open(ref.member) as member:
            yield cast(BinaryIO, member)


def _check_archive(members: list[zipfile.ZipInfo], compressed: int) -> Reason | None:
    if len(members) > MAX_MEMBERS:
        return because(Code.ARCHIVE_MEMBERS, f"{len(members)} members, at most {MAX_MEMBERS}")
    total = sum(info.file_size for info in members)
    if total > MAX_ARCHIVE_BYTES:
        return because(Code.TOO_LARGE, f"{total // MIB} MiB uncompressed")
    if total > max(RATIO_FREE_BYTES, MAX_RATIO * compressed):
        return because(Code.ARCHIVE_RATIO, f"{total // MIB} MiB in {compressed} bytes")
    return None


def _check_member(info: zipfile.ZipInfo) -> Reason | None:
    if _escapes(info.filename):
        return because(Code.UNSAFE_PATH, "the name points outside the archive")
    if stat.S_ISLNK(info.external_attr >> 16):
        return because(Code.NOT_A_FILE, "a symbolic link inside an archive")
    if info.flag_bits & 0x1:
        return because(Code.ENCRYPTED, "unpack it with its password first")
    if info.compress_type not in {
        zipfile.ZIP_STORED,
        zipfile.ZIP_DEFLATED,
        zipfile.ZIP_BZIP2,
        zipfile.ZIP_LZMA,
    }:
        return because(Code.UNSUPPORTED_COMPRESSION, f"zip method {info.compress_type}")
    if info.file_size > MAX_INFLATED_BYTES:
        return because(Code.TOO_LARGE, f"{info.file_size // MIB} MiB uncompressed")
    if info.file_size > max(RATIO_FREE_BYTES, MAX_RATIO * max(info.compress_size, 1)):
        return because(Code.ARCHIVE_RATIO, f"{info.file_size // MIB} MiB uncompressed")
    return None


def _escapes(name: str) -> bool:
    """Whether a member's name is absolute or climbs out, on any operating system."""
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    return bool(posix.is_absolute() or windows.drive or windows.root or ".." in windows.parts)
