"""What a scan is asked to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ich_cli.dicom.rules import SelectionRules
from ich_cli.dicom.volume import load_volume
from ich_cli.domain import (
    Assessment,
    NotAnalysable,
    SecondOpinion,
    Series,
    SlicePrediction,
    Volume,
)
from ich_cli.pipeline.artefacts import WriteArtefact

Loader = Callable[[Series], "Volume | NotAnalysable"]
SecondReader = Callable[[Volume, SlicePrediction, Assessment], "SecondOpinion | None"]
"""``None`` where this scan is not to be asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRequest:
    """One call of the pipeline.

    Attributes:
        inputs: Files, folders, zip archives.
        leave_out: Folders within these that hold results and no scans.
        rules: Which series are taken.
        limit: At most so many candidate series; the first ones found.
        since: Only studies from this moment on.
        header_workers: Threads that read headers; ``None`` lets discovery choose.
        load: Turns a series into a volume.
        second_reader: Asked after the network; its word never changes the result.
        artefacts: Kind (``preview``, ``masks``) and its writer.
    """

    inputs: tuple[Path, ...]
    leave_out: tuple[Path, ...] = ()
    rules: SelectionRules = field(default_factory=SelectionRules)
    limit: int | None = None
    since: datetime | None = None
    header_workers: int | None = None
    load: Loader = load_volume
    second_reader: SecondReader | None = None
    artefacts: tuple[tuple[str, WriteArtefact], ...] = ()
