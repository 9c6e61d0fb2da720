"""results.jsonl grows by whole lines only."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ich_cli.errors import OutputError
from ich_cli.reports.jsonl import JsonlWriter, read_jsonl, write_jsonl
from tests.reports.examples import records


def test_lines_are_there_as_soon_as_they_are_appended(tmp_path: Path):
    path = tmp_path / "results.jsonl"
    with JsonlWriter(path) as writer:
        for count, record in enumerate(records(), start=1):
            writer.append(record)
            assert len(list(read_jsonl(path))) == count
    assert list(read_jsonl(path)) == records()


def test_a_second_writer_goes_on_where_the_first_ended(tmp_path: Path):
    path = tmp_path / "results.jsonl"
    for record in records():
        with JsonlWriter(path) as writer:
            writer.append(record)
    assert list(read_jsonl(path)) == records()


@pytest.mark.parametrize("torn", [b'{"status": "pos', b'{"x":"' + b"y" * 200_000])
def test_a_torn_last_line_is_cut_off(tmp_path: Path, torn: bytes):
    path = tmp_path / "results.jsonl"
    write_jsonl(records()[:1], path)
    with path.open("ab") as file:
        file.write(torn)
    assert list(read_jsonl(path)) == records()[:1]
    with JsonlWriter(path) as writer:
        writer.append(records()[1])
    assert list(read_jsonl(path)) == records()[:2]


def test_others_cannot_read_it(tmp_path: Path):
    write_jsonl(records(), tmp_path / "a.jsonl")
    JsonlWriter(tmp_path / "b.jsonl").close()
    for name in ("a.jsonl", "b.jsonl"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o640


def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        JsonlWriter(tmp_path / "file" / "results.jsonl")


@pytest.mark.skipif(os.name != "posix", reason="file size limits are POSIX")
def test_a_record_that_does_not_fit_is_taken_back_whole(tmp_path: Path):
    """A file size limit fills up in the middle of a line, as a full disk does."""
    path = tmp_path / "results.jsonl"
    code = f"""
import resource, signal, sys
from pathlib import Path
from ich_cli.errors import OutputError
from ich_cli.reports.jsonl import JsonlWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
writer = JsonlWriter(Path({str(path)!r}))
for k in range(99):
    try:
        writer.append({{"k": k, "text": "x" * 90}})
    except OutputError as error:
        print(k, error)
        sys.exit()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count = int(done.stdout.split()[0])
    assert "free space" in done.stdout
    assert path.read_bytes().endswith(b"\n")
    assert [record["k"] for record in read_jsonl(path)] == list(range(count))
