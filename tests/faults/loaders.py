"""Decoders that misbehave over the study of the second patient; a worker imports them."""

from __future__ import annotations

import ctypes
import time

from ich_cli.dicom.volume import load_volume
from ich_cli.domain import NotAnalysable, Series, Volume


def segfault_over_the_second(series: Series) -> Volume | NotAnalysable:
    if series.first.patient_id == "PHANTOM-000001":
        ctypes.string_at(0)
    return load_volume(series)


def hang_over_the_second(series: Series) -> Volume | NotAnalysable:
    if series.first.patient_id == "PHANTOM-000001":
        time.sleep(1000)
    return load_volume(series)
