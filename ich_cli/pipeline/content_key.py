"""What a series *is*, so that work already done is known by content and not by name.

A series moved to another folder, or renamed, has the same key. A late slice, a file that
has grown since, another model or a setting that changes the result give another one.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ich_cli.domain import FileRef, Series

UID_DIGEST_BYTES = 8


@dataclass(frozen=True, slots=True)
class ContentKey:
    """Identity and content of one series under one recipe.

    Attributes:
        study_uid: Of the series; with ``series_uid`` and ``part`` the identity of its row.
        series_uid: As above.
        part: As above.
        digest: SHA-256 over the objects, their sizes and the recipe. Equal: nothing to do.
        recipe: SHA-256 over model and settings alone.
        uids: Digests of the SOPInstanceUIDs, joined in order: tells more files from fewer.
    """

    study_uid: str
    series_uid: str
    part: int
    digest: str
    recipe: str
    uids: bytes

    @property
    def identity(self) -> tuple[str, str, int]:
        """What a row of the results is the only one of."""
        return self.study_uid, self.series_uid, self.part

    @property
    def uid_set(self) -> frozenset[bytes]:
        """The digests of the SOPInstanceUIDs, one by one."""
        return split_uids(self.uids)


def digests_of(uids: Iterable[str]) -> frozenset[bytes]:
    """Short digests of SOPInstanceUIDs."""
    return frozenset(
        hashlib.blake2b(uid.encode(), digest_size=UID_DIGEST_BYTES).digest() for uid in uids
    )


def join_uids(uids: Iterable[str]) -> bytes:
    """Short digests of SOPInstanceUIDs, each once, joined in order."""
    return b"".join(sorted(digests_of(uids)))


def split_uids(joined: bytes) -> frozenset[bytes]:
    """Undo :func:`join_uids`."""
    step = UID_DIGEST_BYTES
    return frozenset(joined[i : i + step] for i in range(0, len(joined), step))


def uids_by_series(
    parts: Iterable[tuple[str, str, frozenset[bytes]]],
) -> dict[tuple[str, str], frozenset[bytes]]:
    """What is there of each series; with the rest of its study, since pieces may be joined.

    Args:
        parts: ``study_uid, series_uid`` and digests of SOPInstanceUIDs of each part.
    """
    names: dict[tuple[str, str], None] = {}
    of_study: dict[str, set[bytes]] = {}
    for study_uid, series_uid, found in parts:
        names[study_uid, series_uid] = None
        of_study.setdefault(study_uid, set()).update(found)
    whole = {study_uid: frozenset(uids) for study_uid, uids in of_study.items()}
    return {name: whole[name[0]] for name in names}


def recipe_of(model_sha256: str, settings: Mapping[str, Any]) -> str:
    """Digest of all that is not in the files but changes the result.

    Args:
        model_sha256: Of the network: its card's fingerprint, which covers the weights.
        settings: JSON-able settings that change the result (thresholds, measurements,
            second reader …); not where or how fast it is computed.
    """
    text = json.dumps([model_sha256, settings], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def content_key(series: Series, recipe: str) -> ContentKey:
    """Key of ``series`` under ``recipe``.

    The size of each file counts as well as its SOPInstanceUID: a slice that was still
    being copied when it was first seen is another content once it is whole; and so is a
    series once the unread files beside it are gone.
    """
    sizes = _sizes(instance.file for instance in series.instances)
    members = sorted((i.sop_uid, sizes[i.file]) for i in series.instances)
    digest = hashlib.sha256(recipe.encode())
    for uid, size in members:
        digest.update(f"\0{uid}\0{size}".encode())
    if series.unread:
        digest.update(f"\0{len(series.unread)} unread".encode())
    return ContentKey(
        series.study_uid,
        series.series_uid,
        series.part,
        digest.hexdigest(),
        recipe,
        join_uids(uid for uid, _ in members),
    )


def _sizes(files: Iterable[FileRef]) -> dict[FileRef, int]:
    """Bytes of each file, or of each member of an archive; −1 where it is gone."""
    sizes: dict[FileRef, int] = {}
    archives: dict[Path, dict[str, int]] = {}
    for file in files:
        if file.member is None:
            sizes[file] = _size(file.path)
            continue
        if file.path not in archives:
            archives[file.path] = _member_sizes(file.path)
        sizes[file] = archives[file.path].get(file.member, -1)
    return sizes


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _member_sizes(path: Path) -> dict[str, int]:
    try:
        with zipfile.ZipFile(path) as archive:
            return {info.filename: info.file_size for info in archive.infolist()}
    except (OSError, zipfile.BadZipFile):
        return {}
