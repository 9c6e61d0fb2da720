"""One settled study to its rows, through the same steps as ``ich scan``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ich_cli.dicom.volume import SLICES_LOST
from ich_cli.models.model import Model
from ich_cli.pipeline.content_key import ContentKey, recipe_of
from ich_cli.pipeline.events import Listener, ignore
from ich_cli.pipeline.jobs import Jobs
from ich_cli.pipeline.ledger import Ledger, Stored
from ich_cli.pipeline.ledger_plan import JUDGED
from ich_cli.pipeline.options import ScanRequest
from ich_cli.pipeline.plan import make_plan
from ich_cli.pipeline.run_options import RunOptions
from ich_cli.pipeline.series_loop import SeriesLoop
from ich_cli.reports.record import Record


@dataclass(frozen=True, slots=True)
class StudyOutcome:
    """What became of a study.

    Attributes:
        used: Files whose pixels were analysed, and the answer stored.
        complete: Every row of the study, new or known, is an answer: none failed, none
            could not be analysed or lacks slices, and none is missing because the run was
            stopped.
        stopped: A stop was asked for before all of it was done.
    """

    used: Collection[Path] = frozenset()
    complete: bool = False
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class StudyWork:
    """What is needed to work on studies, one after the other.

    Attributes:
        request: How to scan; its inputs are replaced by each study's files.
        network: The network.
        options: How results become records, and when to stop.
        ledger: Of the output folder, which the caller has locked.
        on_event: Told what the pipeline does.
        before_store: Given each record and its key before it is stored.
    """

    request: ScanRequest
    network: Model
    options: RunOptions
    ledger: Ledger
    on_event: Listener = ignore
    before_store: Callable[[Record, ContentKey], None] = lambda _record, _key: None

    def do(self, files: Collection[Path], on_stored: Callable[[Stored], None]) -> StudyOutcome:
        """Scan the files of one study.

        Raises:
            UsageError: A file has gone since.
            OutputError: Results cannot be written.
        """
        # A limit is for one run over everything, not for each study.
        request = replace(self.request, inputs=tuple(sorted(files)), limit=None)
        plan = make_plan(request, self.on_event)
        recipe = recipe_of(self.network.card.fingerprint, self.options.result_settings)
        jobs = Jobs(plan, recipe, self.ledger)
        known = [self.ledger.record_of(key) for key in jobs.known]
        answered = bool(jobs.by_key) and not jobs.unanswered and all(map(_is_whole, known))
        used: set[Path] = set()
        loop = SeriesLoop(
            jobs,
            request,
            self.network,
            self.options,
            self.ledger,
            self.on_event,
            # Before: a death in between repeats the message, with the same id, and loses none.
            self.before_store,
        )
        for done in loop:
            on_stored(done.stored)
            if done.stored.record["status"] in JUDGED:
                used |= {file.path for file in done.result.used if file.member is None}
            answered = answered and _is_whole(done.stored.record)
        stopped = loop.stopped is not None
        return StudyOutcome(used, complete=answered and not stopped, stopped=stopped)


def _is_whole(record: Mapping[str, Any] | None) -> bool:
    """Whether a record is an answer, and to all slices: lost ones may still be sent again."""
    return record is not None and record["status"] in JUDGED and SLICES_LOST not in record["flags"]
