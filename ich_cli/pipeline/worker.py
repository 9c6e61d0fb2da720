"""Reads pixels in another process, so that a broken decoder costs one series.

Codecs are C and C++ fed with files from anywhere: they can crash, hang, or eat all memory.
The worker is started once and lives on; it is replaced when it dies, and killed when it
takes too long. Pixels come back through a pipe into memory that the parent owns: no shared
memory, of which containers have little.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import numpy as np

from ich_cli.domain import NotAnalysable, Reason, Series, Status, Volume
from ich_cli.pipeline.worker_limits import Limits, name_exit
from ich_cli.pipeline.worker_process import CHUNK_BYTES, serve

CRASHED = "decoder_crashed"
TIMED_OUT = "decoder_timed_out"

Load = Callable[[Series], "Volume | NotAnalysable"]


START_S = 300.0
"""Starting and importing takes seconds; on a machine that swaps, minutes."""


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    ready: bool = False


class Decoder:
    """Turns series into volumes in a worker process. Use it as a context manager.

    Args:
        load: What the worker runs; a function that can be imported by its name.
        limits: What one series may cost.
    """

    def __init__(self, load: Load, limits: Limits | None = None) -> None:
        self._load = load
        self._limits = limits or Limits()
        self._worker: _Worker | None = None
        self._one_at_a_time = threading.Lock()
        self.deaths = 0
        """How many workers have died, or were killed, over a series."""

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, series: Series) -> Volume | NotAnalysable:
        """Load ``series``; a worker that dies over it is a reason like any other.

        Raises:
            Exception: What the loading function itself raised in the worker.
        """
        with self._one_at_a_time:
            return self._ask(series)

    def start(self) -> None:
        """Start the worker ahead of the first series; it imports while others load."""
        with self._one_at_a_time:
            self._running()

    def close(self) -> None:
        """End the worker, whatever it is doing."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.pipe.close()
            worker.process.kill()
            worker.process.join()
            worker.process.close()

    def _ask(self, series: Series) -> Volume | NotAnalysable:
        worker = self._running()
        if not worker.ready and not self._wait_for(worker):
            return self._died(worker, late=False)
        with _deadline(worker.process, self._limits.seconds) as late:
            try:
                worker.pipe.send(series)
                answer = _receive(worker.pipe)
            except (EOFError, OSError):
                return self._died(worker, late=late.is_set())
            except BaseException:
                # Interrupted half-way: what is still in the pipe would answer the next one.
                self.close()
                raise
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _wait_for(self, worker: _Worker) -> bool:
        """Wait until the worker has started: that time is no series' own."""
        with _deadline(worker.process, START_S):
            try:
                worker.pipe.recv()
            except (EOFError, OSError):
                return False
        worker.ready = True
        return True

    def _running(self) -> _Worker:
        if self._worker is not None and self._worker.process.is_alive():
            return self._worker
        self.close()
        # Not forked: a fork would inherit locks that the network's threads hold.
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(
            target=serve, args=(there, self._load, self._limits), daemon=True, name="ich-decoder"
        )
        process.start()
        there.close()
        self._worker = _Worker(process, here)
        return self._worker

    def _died(self, worker: _Worker, *, late: bool) -> NotAnalysable:
        worker.process.join(timeout=10)
        ended = name_exit(worker.process.exitcode)
        self.deaths += 1
        self.close()
        if late:
            reason = Reason(TIMED_OUT, f"not read within {self._limits.seconds:g} s")
        else:
            reason = Reason(CRASHED, f"the decoder ended with {ended}")
        return NotAnalysable(reason, Status.FAILED)


def _receive(pipe: Connection) -> Volume | NotAnalysable | Exception:
    answer: Volume | NotAnalysable | Exception = pipe.recv()
    if not isinstance(answer, Volume):
        return answer
    dtype, shape = pipe.recv()
    hu = np.empty(shape, dtype)
    raw = hu.data.cast("B") if hu.size else memoryview(b"")
    for start in range(0, len(raw), CHUNK_BYTES):
        pipe.recv_bytes_into(raw[start : start + CHUNK_BYTES])
    return replace(answer, hu=hu)


@contextmanager
def _deadline(process: BaseProcess, seconds: float) -> Iterator[threading.Event]:
    """Kill ``process`` when the block takes longer; the event says that it was so."""
    late = threading.Event()

    def kill() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(seconds, kill)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()
        # Else a kill that is just under way could hit the worker over the next series.
        timer.join()
