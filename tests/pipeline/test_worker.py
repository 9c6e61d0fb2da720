from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ich_cli.dicom.discover import discover
from ich_cli.dicom.volume import load_volume
from ich_cli.domain import FileRef, Instance, NotAnalysable, Series, Status, Volume
from ich_cli.pipeline.worker import Decoder
from ich_cli.pipeline.worker_limits import Limits

from .loaders import load_or_misbehave


def ask(what: str = "", slices: int = 3) -> Series:
    instance = Instance(FileRef(Path("x")), "1", "1", "1", series_description=what)
    return Series("1", "1", 0, (instance,) * slices)


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder(load_or_misbehave, Limits(seconds=20, memory_bytes=2**31)) as it:
        yield it


def assert_still_works(decoder: Decoder) -> None:
    assert isinstance(decoder(ask()), Volume)


def test_a_volume_comes_back_as_it_was(decoder: Decoder) -> None:
    series = ask(slices=5)
    there, here = decoder(series), load_or_misbehave(series)
    assert isinstance(there, Volume)
    assert isinstance(here, Volume)
    for field in dataclasses.fields(Volume):
        np.testing.assert_array_equal(getattr(there, field.name), getattr(here, field.name))
    assert there.hu.dtype == np.float32
    assert there.hu.flags.writeable


@pytest.mark.parametrize("what", ["segfault", "killed", "exit"])
def test_the_death_of_a_decoder_costs_one_series(decoder: Decoder, what: str) -> None:
    deaths = decoder.deaths
    answer = decoder(ask(what))
    assert isinstance(answer, NotAnalysable)
    assert answer.status is Status.FAILED
    assert answer.reason.code == "decoder_crashed"
    assert decoder.deaths == deaths + 1
    assert_still_works(decoder)


def test_how_the_decoder_died_is_told(decoder: Decoder) -> None:
    answer = decoder(ask("segfault"))
    assert isinstance(answer, NotAnalysable)
    assert answer.reason.detail == "the decoder ended with signal SIGSEGV"


def test_what_a_decoder_prints_is_seen_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    """What codecs and ITK have to say may hold paths, and paths names."""
    with Decoder(load_or_misbehave) as decoder:
        assert isinstance(decoder(ask("chatter")), Volume)
        died = decoder(ask("segfault"))
    assert isinstance(died, NotAnalysable)
    assert died.reason.detail == "the decoder ended with signal SIGSEGV"
    assert capfd.readouterr() == ("", "")


def test_the_words_of_a_real_codec_are_not_seen(
    capfd: pytest.CaptureFixture[str], shared_data: Path
) -> None:
    """A JPEG of 12 bits, which libjpeg decodes after a complaint."""
    file = shared_data / "dicom_edge" / "chest_encodings" / "JPEGProcess2_4.dcm"
    (series,) = discover([file]).series
    with Decoder(load_volume) as decoder:
        decoder(series)
    assert capfd.readouterr() == ("", "")


def test_a_decoder_that_hangs_is_ended_in_time() -> None:
    with Decoder(load_or_misbehave, Limits(seconds=20)) as decoder:
        assert_still_works(decoder)
        decoder._limits = Limits(seconds=0.3)
        began = time.monotonic()
        answer = decoder(ask("hang"))
        assert time.monotonic() - began < 5
        assert isinstance(answer, NotAnalysable)
        assert answer.reason.code == "decoder_timed_out"
        assert answer.status is Status.FAILED


@pytest.mark.skipif(sys.platform != "linux", reason="memory is capped on Linux")
def test_a_series_that_would_eat_all_memory_is_refused(decoder: Decoder) -> None:
    deaths = decoder.deaths
    answer = decoder(ask("balloon"))
    assert isinstance(answer, NotAnalysable)
    assert answer.reason.code == "out_of_memory"
    assert decoder.deaths == deaths
    assert_still_works(decoder)


def test_a_reason_comes_back_as_it_was(decoder: Decoder) -> None:
    answer = decoder(ask("refuse"))
    assert isinstance(answer, NotAnalysable)
    assert (answer.reason.code, answer.status) == ("gap", Status.NOT_ANALYSABLE)


def test_what_the_loader_raises_is_raised_here(decoder: Decoder) -> None:
    with pytest.raises(ValueError, match="something odd"):
        decoder(ask("raise"))
    with pytest.raises(RuntimeError, match="UntransportableError"):
        decoder(ask("raise odd"))
    assert_still_works(decoder)


PARENT = """
import sys, time
from pathlib import Path
from ich_cli.domain import FileRef, Instance, Series
from ich_cli.pipeline.worker import Decoder
from tests.pipeline.loaders import load_or_misbehave

if __name__ == "__main__":
    decoder = Decoder(load_or_misbehave)
    decoder.start()
    print(decoder._worker.process.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(os.name != "posix", reason="POSIX processes")
def test_a_worker_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    ) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
    for _ in range(200):
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        status = Path(f"/proc/{worker}/stat")
        if status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the worker lives on")
