"""What runs inside the worker process that reads pixels."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection

import numpy as np

from ich_cli.domain import NotAnalysable, Reason, Series, Status, Volume
from ich_cli.errors import IchError
from ich_cli.pipeline.attempt import attempt
from ich_cli.pipeline.worker_limits import Limits, alarm, limit_process

OUT_OF_MEMORY = "out_of_memory"
CHUNK_BYTES = 128 * 2**10
"""Receiving a piece first allocates as much again; this is about what a pipe holds."""


def serve(
    pipe: Connection, load: Callable[[Series], Volume | NotAnalysable], limits: Limits
) -> None:
    """Load one series after the other until the parent is gone."""
    fall_silent()
    limit_process(limits)
    try:
        pipe.send(True)
        while True:
            series = pipe.recv()
            alarm(limits.seconds)
            _send(pipe, _load(load, series, limits))
            alarm(None)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def fall_silent() -> None:
    """Send what this process prints nowhere: all that it has to say goes through the pipe.

    Codecs and ITK write to the terminal past Python, and what they write may hold paths, and
    paths names. How a worker ended, its parent knows from the exit code.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def _load(
    load: Callable[[Series], Volume | NotAnalysable], series: Series, limits: Limits
) -> Volume | NotAnalysable | Exception:
    answer: Volume | NotAnalysable | Exception
    try:
        answer = attempt(lambda: load(series))
    except IchError as error:
        answer = error
    if isinstance(answer, MemoryError):
        gib = limits.memory_bytes / 2**30
        reason = Reason(OUT_OF_MEMORY, f"needs more than {gib:.3g} GiB of memory to be read")
        return NotAnalysable(reason, Status.FAILED)
    return _portable(answer) if isinstance(answer, Exception) else answer


def _send(pipe: Connection, answer: Volume | NotAnalysable | Exception) -> None:
    if not isinstance(answer, Volume):
        pipe.send(answer)
        return
    hu = np.ascontiguousarray(answer.hu)
    pipe.send(replace(answer, hu=hu[:0]))
    pipe.send((hu.dtype.str, hu.shape))
    raw = hu.data.cast("B") if hu.size else memoryview(b"")
    for start in range(0, len(raw), CHUNK_BYTES):
        pipe.send_bytes(raw[start : start + CHUNK_BYTES])


def _portable(error: Exception) -> Exception:
    """The error itself where it can travel, else one that names it."""
    travels = attempt(lambda: pickle.loads(pickle.dumps(error)) is not None)
    return error if travels is True else RuntimeError(type(error).__name__)
