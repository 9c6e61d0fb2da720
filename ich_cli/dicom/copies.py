"""Which of several files that hold the same instance to read.

Archives are copied, compressed and unpacked beside themselves, and a copy may have broken off:
the file that is whole is read, whichever is met first.
"""

from __future__ import annotations

import zipfile
from collections import defaultdict
from collections.abc import Hashable, Sequence
from functools import lru_cache
from pathlib import Path

from ich_cli.dicom.codes import Code, because
from ich_cli.dicom.decode import read_whole
from ich_cli.dicom.limits import FAILURES
from ich_cli.domain import FileRef, Instance, Reason, Skipped

NATIVE = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"})


def drop_repeats(instances: Sequence[Instance]) -> tuple[list[Instance], list[Skipped]]:
    """Keep one of the instances that share SOPInstanceUID and place.

    Whole files are preferred to damaged ones, originals to derived copies, uncompressed to
    compressed ones. Instances that share the UID but lie elsewhere are slices of a badly
    anonymised series and stay.
    """
    copies: dict[Hashable, list[Instance]] = defaultdict(list)
    for item in sorted(instances, key=_preference):
        place = (item.patient_id, item.modality, item.position_mm)
        matrix = (item.rows, item.columns, item.frames)
        copies[(item.sop_uid or item.file, place, matrix)].append(item)
    kept: list[Instance] = []
    skipped: list[Skipped] = []
    for alike in copies.values():
        damaged = _damaged(alike)
        chosen = next((item for item in alike if item.file not in damaged), alike[0])
        kept.append(chosen)
        repeated = because(Code.DUPLICATE_INSTANCE, "same SOPInstanceUID")
        skipped.extend(
            Skipped(item.file, damaged.get(item.file, repeated))
            for item in alike
            if item is not chosen
        )
    return kept, skipped


def _damaged(alike: Sequence[Instance]) -> dict[FileRef, Reason]:
    """The copies to be passed over, up to the first that is whole.

    Copies of one length are taken to be equal: reading every file of an archive that was copied
    as a whole would take hours, and tell nothing.
    """
    found: dict[FileRef, Reason] = {}
    if len(alike) == 1 or len({_length(item.file) for item in alike}) == 1:
        return found
    for item in alike:
        reason = _damage(item.file)
        if reason is None:
            break
        found[item.file] = reason
    return found


def _damage(file: FileRef) -> Reason | None:
    try:
        read = read_whole(file)
    except FAILURES as error:
        return because(Code.CANNOT_DECODE, type(error).__name__)
    return read if isinstance(read, Reason) else None


def _length(file: FileRef) -> int | None:
    """Bytes of a file; ``None`` when it cannot be asked."""
    try:
        info = file.path.stat()
        if file.member is None:
            return info.st_size
        return _lengths(file.path, info.st_mtime_ns)[file.member]
    except FAILURES:
        return None


@lru_cache(maxsize=8)
def _lengths(archive: Path, _changed: int) -> dict[str, int]:
    """Bytes of an archive's members: its list is long, and read once for all."""
    with zipfile.ZipFile(archive) as opened:
        return {info.filename: info.file_size for info in opened.infolist()}


def _preference(item: Instance) -> tuple[bool, bool, str]:
    derived = "DERIVED" in item.image_type
    return (derived, item.transfer_syntax_uid not in NATIVE, str(item.file))
