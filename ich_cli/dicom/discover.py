"""Find every CT series below some folders by reading headers only."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from ich_cli.dicom.beside import note_unread
from ich_cli.dicom.grouping import group
from ich_cli.dicom.headers import read_header
from ich_cli.dicom.walk import walk
from ich_cli.domain import FileRef, Instance, Reason, Series, Skipped

CHUNK = 64
"""Files a worker takes at a time."""
WORKERS = 8
"""Threads, not processes: a header costs 0.4 ms of one core, so waiting is what they share."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """All that was found.

    Attributes:
        series: Stacks of image instances, any modality, in a stable order.
        skipped: What no series holds, and why.
        n_files: Everything that was met: the instances of ``series`` plus ``skipped``.
    """

    series: tuple[Series, ...]
    skipped: tuple[Skipped, ...]
    n_files: int


def discover(
    paths: Sequence[Path],
    *,
    leave_out: Collection[Path] = (),
    workers: int | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Discovery:
    """Walk ``paths``, read the headers, and group the images into series.

    Args:
        paths: Files, folders and zip archives.
        leave_out: Folders below ``paths`` that are not entered; see
            :func:`~ich_cli.dicom.walk.walk`.
        workers: Threads that read; ``None`` = :data:`WORKERS`, which hides the waiting of
            slow disks and network shares.
        on_progress: Called with the number of files read so far, from this thread.

    Returns:
        A :class:`Discovery` in which every file is accounted for.

    Raises:
        UsageError: A path does not exist.
    """
    found = walk(paths, leave_out=leave_out)
    skipped = list(found.skipped)
    instances: list[Instance] = []
    intern = _Interner()
    done = 0
    with ThreadPoolExecutor(workers or WORKERS) as pool:
        for batch in pool.map(_read_chunk, _chunks(found.files)):
            for ref, result in batch:
                if isinstance(result, Reason):
                    skipped.append(Skipped(ref, result))
                else:
                    instances.append(intern.share(result))
            done += len(batch)
            if on_progress:
                on_progress(done)
    series, repeated = group(instances)
    series = note_unread(series, skipped)
    return Discovery(series, (*skipped, *repeated), len(found.files) + len(found.skipped))


class _Interner:
    """Shares equal header values between instances: an archive has millions of them."""

    _FIELDS = (
        "study_uid",
        "series_uid",
        "sop_class_uid",
        "transfer_syntax_uid",
        "image_type",
        "orientation",
        "pixel_spacing_mm",
        "kernel",
        "contrast_agent",
        "series_description",
        "study_description",
        "protocol_name",
        "manufacturer",
        "patient_id",
        "study_date",
        "frame_of_reference_uid",
    )

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}
        self._tags: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}

    def share(self, item: Instance) -> Instance:
        values: dict[str, Any] = {
            name: self._known.setdefault(value, value)
            for name in self._FIELDS
            if (value := getattr(item, name)) is not None
        }
        tags = self._tags.setdefault(tuple(sorted(item.tags.items())), dict(item.tags))
        return replace(item, **values, tags=tags)


def _chunks(files: Sequence[FileRef]) -> Iterator[list[FileRef]]:
    """Cut the list so that a chunk's members come from one archive."""
    for _, refs in groupby(files, key=lambda ref: ref.path if ref.member else None):
        run = list(refs)
        yield from (run[start : start + CHUNK] for start in range(0, len(run), CHUNK))


def _read_chunk(refs: list[FileRef]) -> list[tuple[FileRef, Instance | Reason]]:
    with ExitStack() as stack:
        archive: zipfile.ZipFile | None = None
        if refs[0].member is not None:
            try:
                archive = stack.enter_context(zipfile.ZipFile(refs[0].path))
            except (OSError, zipfile.BadZipFile):
                archive = None
        return [(ref, read_header(ref, archive)) for ref in refs]
