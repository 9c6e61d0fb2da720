"""From input paths to the list of series to work on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ich_cli.dicom.discover import Discovery, discover
from ich_cli.dicom.select import Rejected, Selection, select
from ich_cli.errors import UsageError
from ich_cli.pipeline.events import FilesSeen, Listener, Planned, ignore
from ich_cli.pipeline.options import ScanRequest
from ich_cli.pipeline.since import split_by_age


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """What was found, and what will be done with it.

    Attributes:
        discovery: Every series and every file that is in none.
        selection: Candidates and rejected series, with reasons.
    """

    discovery: Discovery
    selection: Selection


def check_inputs(inputs: Sequence[Path]) -> None:
    """Complain of inputs that cannot be scanned before anything is begun.

    Raises:
        UsageError: There is none, or a path does not exist.
    """
    if not inputs:
        raise UsageError("nothing to scan; name a folder, a file or a zip archive")
    for path in inputs:
        if not path.exists():
            raise UsageError(f"there is no file or folder {path}; correct the path")


def make_plan(request: ScanRequest, on_event: Listener = ignore) -> ScanPlan:
    """Discover and select.

    Raises:
        UsageError: An input path does not exist.
    """
    check_inputs(request.inputs)
    discovery = discover(
        request.inputs,
        leave_out=request.leave_out,
        workers=request.header_workers,
        on_progress=lambda count: on_event(FilesSeen(count)),
    )
    series = discovery.series
    too_old: tuple[Rejected, ...] = ()
    if request.since is not None:
        series, too_old = split_by_age(series, request.since)
    selection = select(series, request.rules)
    selection = replace(selection, rejected=(*selection.rejected, *too_old))
    on_event(Planned(discovery.n_files, len(discovery.series), len(selection.candidates)))
    return ScanPlan(discovery, selection)
