"""``results.jsonl``: one object a line, appended as scans finish.

The other formats are made from this file, so memory does not grow with the number of scans.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from ich_cli.reports.atomic import FILE_MODE, atomic_text, output_error

_CHUNK = 1 << 16


def to_line(record: Mapping[str, Any]) -> str:
    """One record as one line of strict JSON, without the line end."""
    return json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class JsonlWriter:
    """Appends records; each is on the disk, whole, when :meth:`append` returns.

    Args:
        path: The file; made when it is not there, else cut after its last whole line.

    Raises:
        OutputError: The file cannot be written. A record that did not fit is taken back.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file: BinaryIO = path.open("ab")
            path.chmod(FILE_MODE)
            self._drop_torn_line()
        except OSError as err:
            raise output_error(path, err) from err

    def append(self, record: Mapping[str, Any]) -> None:
        """Write one record and make it durable."""
        start = os.fstat(self._file.fileno()).st_size
        data = to_line(record).encode("utf-8", "replace") + b"\n"
        try:
            # One unbuffered write: what does not fit is known here, not at some later flush.
            written = os.write(self._file.fileno(), data)
            while written < len(data):
                written += os.write(self._file.fileno(), data[written:])
            os.fsync(self._file.fileno())
        except OSError as err:
            os.ftruncate(self._file.fileno(), start)
            raise output_error(self.path, err) from err

    def close(self) -> None:
        """Close the file; the records are already on the disk."""
        self._file.close()

    def __enter__(self) -> JsonlWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _drop_torn_line(self) -> None:
        size = end = os.fstat(self._file.fileno()).st_size
        with self.path.open("rb") as file:
            while end:
                start = max(0, end - _CHUNK)
                file.seek(start)
                found = file.read(end - start).rfind(b"\n")
                end = start
                if found >= 0:
                    end = start + found + 1
                    break
        if end < size:
            os.ftruncate(self._file.fileno(), end)


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a file, one by one; a torn last line is left out."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):
                yield json.loads(line)


def write_jsonl(records: Iterable[Mapping[str, Any]], path: Path) -> None:
    """Write all records at once, atomically.

    Raises:
        OutputError: The file cannot be written.
    """
    with atomic_text(path) as file:
        for record in records:
            file.write(to_line(record) + "\n")
