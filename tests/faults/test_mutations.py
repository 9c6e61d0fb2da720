"""Damaged DICOM: no crash, no hang, no balloon; an answer or a reason, always."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ich_cli.dicom.discover import discover
from ich_cli.dicom.volume import load_volume
from ich_cli.domain import NotAnalysable, Series, Status, Volume
from ich_cli.phantom.spec import Compression, PhantomSpec
from ich_cli.phantom.study import write_study
from ich_cli.pipeline.worker import CRASHED, TIMED_OUT, Decoder
from ich_cli.pipeline.worker_limits import Limits

from .mutations import Mutation, apply, mutation

SECONDS_A_FILE = 10.0
BALLOON_BYTES = 400 * 2**20
LARGEST_SOURCE = 300_000


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Whole files in all encodings, and the odd ones where they are at hand."""
    folder = tmp_path_factory.mktemp("sources")
    base = PhantomSpec(seed=4, matrix=64, spacing_mm=(8.0,), slices=3)
    found = []
    for compression in Compression:
        study = write_study(replace(base, compression=compression), folder / compression.value)
        found.append(sorted(study.folder.rglob("*.dcm"))[1].read_bytes())
    odd = Path(__file__).parents[2].parent / "shared" / "data" / "dicom_edge"
    if odd.is_dir():
        paths = (path for path in sorted(odd.rglob("*")) if path.is_file())
        found += [p.read_bytes() for p in paths if p.stat().st_size <= LARGEST_SOURCE]
    return found


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    limits = Limits(seconds=SECONDS_A_FILE, memory_bytes=2**30)
    with Decoder(load_volume, limits) as it:
        yield it


def resident_bytes() -> int:
    if sys.platform != "linux":
        return 0
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def read_series(path: Path, decoder: Decoder) -> list[Volume | NotAnalysable]:
    """What becomes of a damaged file, from finding it to its pixels."""
    began = time.monotonic()
    found = discover([path], workers=1)
    assert time.monotonic() - began < SECONDS_A_FILE, "headers are read in time"
    assert sum(len(s.instances) for s in found.series) + len(found.skipped) == found.n_files
    return [decoder(series) for series in found.series]


def check(path: Path, decoder: Decoder) -> None:
    before = resident_bytes()
    for answer in read_series(path, decoder):
        if isinstance(answer, NotAnalysable):
            assert answer.reason.code != TIMED_OUT, "no hang"
            if answer.reason.code == CRASHED:
                assert answer.status is Status.FAILED
        else:
            assert len(answer.hu) == len(answer.sop_uids)
    assert resident_bytes() - before < BALLOON_BYTES, "no balloon"


@given(data=st.data())
@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_three_hundred_damaged_files(
    data: st.DataObject, sources: list[bytes], decoder: Decoder, tmp_path: Path
) -> None:
    _damage_and_check(data, sources, decoder, tmp_path)


@pytest.mark.soak
@given(data=st.data())
@settings(
    max_examples=10_000,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_ten_thousand_damaged_files(
    data: st.DataObject, sources: list[bytes], decoder: Decoder, tmp_path: Path
) -> None:
    _damage_and_check(data, sources, decoder, tmp_path)


def _damage_and_check(
    data: st.DataObject, sources: list[bytes], decoder: Decoder, tmp_path: Path
) -> None:
    source: bytes = data.draw(st.sampled_from(sources))
    mutations: list[Mutation] = data.draw(st.lists(mutation, min_size=1, max_size=4))
    path = tmp_path / "damaged.dcm"
    path.write_bytes(apply(mutations, source))
    check(path, decoder)


@pytest.mark.parametrize("rows", [65_535, 32_767, 9_000])
def test_claimed_rows_and_columns_are_checked_before_memory_is_taken(
    rows: int, sources: list[bytes], tmp_path: Path
) -> None:
    """In this very process: nothing is allocated for what the file does not hold."""
    from .mutations import COLUMNS, ROWS, set_element

    claimed = rows.to_bytes(2, "little")
    for number, source in enumerate(sources):
        path = tmp_path / f"{number}.dcm"
        path.write_bytes(apply([set_element(ROWS, claimed), set_element(COLUMNS, claimed)], source))
    before = resident_bytes()
    for series in discover([tmp_path]).series:
        one: Series = series
        load_volume(one)
    assert resident_bytes() - before < BALLOON_BYTES
