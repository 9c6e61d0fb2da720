"""What a worker may be asked to run, the bad ones included. The worker imports them by name."""

from __future__ import annotations

import ctypes
import os
import signal
import time
import warnings

import numpy as np

from ich_cli.domain import NotAnalysable, Reason, Series, Volume


def load_or_misbehave(series: Series) -> Volume | NotAnalysable:
    """A volume of as many slices as instances; a description asks for misbehaviour."""
    asked = series.first.series_description or ""
    if asked == "segfault":
        ctypes.string_at(0)
    if asked == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if asked == "chatter":
        print("a name", flush=True)
        os.write(2, b"/a/path/with/a/name: a warning of C")
        warnings.warn("a name", stacklevel=1)
    if asked == "hang":
        while True:
            time.sleep(1)
    if asked == "exit":
        os._exit(3)
    if asked == "balloon":
        return volume_of(np.ones((4096, 1024, 1024), np.float32))
    if asked == "refuse":
        return NotAnalysable(Reason("gap", "12 mm"))
    if asked == "raise":
        raise ValueError("something odd")
    if asked == "raise odd":
        raise UntransportableError("x", object())
    count = len(series.instances)
    return volume_of(np.arange(count * 64, dtype=np.float32).reshape(count, 8, 8))


class UntransportableError(Exception):
    def __init__(self, first: str, second: object) -> None:
        super().__init__(first)
        self.second = lambda: second


def volume_of(hu: np.ndarray) -> Volume:
    count = len(hu)
    return Volume(
        hu=hu,
        spacing_mm=(5.0, 0.5, 0.5),
        slice_mm=np.full(count, 5.0, np.float32),
        positions_mm=np.zeros((count, 3)),
        affine=np.eye(4),
        sop_uids=tuple(str(n) for n in range(count)),
        flags=("tilt",),
    )
