"""The file of answers: one JSON line a reader and case; what it lacks is read and added."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.json_lines import append_row, read_rows
from benchmarks.peer_cases import Case
from benchmarks.peer_readers import Reader

Row = dict[str, Any]


def work(
    cases: Iterable[Case],
    readers: Sequence[Reader],
    out: Path,
    jobs: int = 1,
    known: Iterable[Row] = (),
) -> None:
    """Read what has not been read, one JSON line an answer, as they are made.

    Args:
        cases: What is to be read.
        readers: By whom.
        out: The file of answers; appended to.
        jobs: Scans that are read at a time; beyond 1, each in a process of its own.
        known: Answers that are at hand elsewhere, and need not be read.
    """
    done = {answer_key(row) for row in (*known, *read_rows(out))}
    todo = (
        (case, [r for r in readers if (case.group, case.name, r.name, r.key) not in done])
        for case in cases
    )
    missing = ((case, own) for case, own in todo if own)
    for row in _one_by_one(missing) if jobs == 1 else _side_by_side(missing, jobs):
        append_row(out, row)


def answer_key(row: Row) -> tuple[str, ...]:
    """Which case and which reader an answer is of: there is one for each."""
    return row["group"], row["case"], row["reader"], row["key"]


def _one_by_one(missing: Iterable[tuple[Case, list[Reader]]]) -> Iterator[Row]:
    for case, readers in missing:
        yield from _answers(case, readers)


def _side_by_side(missing: Iterable[tuple[Case, list[Reader]]], jobs: int) -> Iterator[Row]:
    """Rows as cases are finished; one that fails ends the run, as it does in a single process."""
    # Fresh processes: a forked copy of PyTorch's or ONNX Runtime's threads may hang.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        tasks = [pool.submit(_all_answers, case, readers) for case, readers in missing]
        try:
            for task in as_completed(tasks):
                yield from task.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _all_answers(case: Case, readers: list[Reader]) -> list[Row]:
    return list(_answers(case, readers))


def _answers(case: Case, readers: Iterable[Reader]) -> Iterator[Row]:
    volume, truth = case.make()
    for reader in readers:
        row = {"group": case.group, "case": case.name, "reader": reader.name, "key": reader.key}
        yield row | {"truth": truth} | asdict(reader.read(volume))
