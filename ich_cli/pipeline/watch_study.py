"""One settled study to its rows, through the same steps as ``ich scan``."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

from ich_cli.dicom.select import Rejected
from ich_cli.domain import Reason, ScanResult, Status
from ich_cli.models.model import Model
from ich_cli.pipeline.content_key import ContentKey, recipe_of
from ich_cli.pipeline.events import Finished, Listener, Started, ignore
from ich_cli.pipeline.jobs import Job, Jobs
from ich_cli.pipeline.ledger import Ledger, Stored
from ich_cli.pipeline.ledger_plan import MAX_CRASHES
from ich_cli.pipeline.options import ScanRequest
from ich_cli.pipeline.plan import make_plan
from ich_cli.pipeline.run import CRASHED, RunOptions
from ich_cli.pipeline.scan import analyse, without_candidate
from ich_cli.reports.record import Record, to_record

JUDGED = frozenset({Status.POSITIVE, Status.NEGATIVE, Status.INDETERMINATE})


@dataclass(slots=True)
class StudyOutcome:
    """What became of a study.

    Attributes:
        stored: Rows that are new or replaced an earlier one.
        used: Files whose pixels were analysed, and the answer stored.
        complete: Every row of the study, new or known, is an answer: none failed, none
            could not be analysed, and none is missing because the run was stopped.
        stopped: A stop was asked for before all of it was done.
    """

    stored: list[Stored] = field(default_factory=list)
    used: set[Path] = field(default_factory=set)
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
        plan = make_plan(replace(self.request, inputs=tuple(sorted(files))), self.on_event)
        recipe = recipe_of(self.network.card.fingerprint, self.options.result_settings)
        jobs = Jobs(plan, recipe, self.ledger)
        outcome = StudyOutcome()
        answered = bool(jobs.by_key) and not jobs.unanswered and self._all_judged(jobs.known)
        for key in jobs.poisoned:
            reason = Reason(CRASHED, f"the program died {MAX_CRASHES} times while reading it")
            failed = ScanResult(Status.FAILED, jobs.by_key[key].series, reason)
            self._keep(key, failed, outcome, on_stored)
            answered = False
        queue, index = deque(jobs.todo), 0
        while queue:
            if self.options.stop.reason:
                outcome.stopped = True
                return outcome
            key = queue.popleft()
            job = jobs.by_key[key]
            self.ledger.start(key)
            self.on_event(Started(index, index + 1 + len(queue), job.series))
            result = self._analyse(job)
            self._keep(key, result, outcome, on_stored)
            self.on_event(Finished(index, index + 1 + len(queue), result))
            answered = answered and result.status in JUDGED
            index += 1
            if other := jobs.instead_of(key, result.status.value):
                queue.appendleft(other)
        outcome.complete = answered
        return outcome

    def _analyse(self, job: Job) -> ScanResult:
        if isinstance(job, Rejected):
            return without_candidate(job)
        return analyse(job, self.network, self.request, self.on_event)

    def _keep(
        self,
        key: ContentKey,
        result: ScanResult,
        outcome: StudyOutcome,
        on_stored: Callable[[Stored], None],
    ) -> None:
        record = to_record(result, self.options.record)
        # Before: a death in between repeats the message, with the same id, and loses none.
        self.before_store(record, key)
        stored = self.ledger.finish(key, record)
        on_stored(stored)
        outcome.stored.append(stored)
        if result.status in JUDGED:
            outcome.used |= {file.path for file in result.used if file.member is None}

    def _all_judged(self, keys: Collection[ContentKey]) -> bool:
        judged = {status.value for status in JUDGED}
        return all(self.ledger.status_of(key) in judged for key in keys)
