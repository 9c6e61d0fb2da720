"""One series after the other, from the jobs to the ledger."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ich_cli.dicom.select import Rejected
from ich_cli.domain import Reason, ScanResult, Status
from ich_cli.models.model import Model
from ich_cli.pipeline.content_key import ContentKey
from ich_cli.pipeline.events import Finished, Listener, Started, ignore
from ich_cli.pipeline.jobs import Job, Jobs
from ich_cli.pipeline.ledger import Ledger, Stored
from ich_cli.pipeline.ledger_plan import MAX_CRASHES
from ich_cli.pipeline.options import ScanRequest
from ich_cli.pipeline.run_options import RunOptions
from ich_cli.pipeline.scan import analyse, without_candidate
from ich_cli.reports.record import Record, to_record

CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class Done:
    """A series with its result, and its record as it is in the ledger."""

    result: ScanResult
    stored: Stored


@dataclass(slots=True)
class SeriesLoop:
    """Does what is to be done, one series at a time. Iterate over it once.

    Attributes:
        jobs: What is to be done; those that come up instead of others are added.
        request: How to scan, and how many at the most.
        network: The network.
        options: How results become records, and when to stop.
        ledger: Of the output folder, which the caller has locked.
        on_event: Told what the pipeline does.
        before_store: Given each record and its key before it is stored.
        stopped: Why it ended before all was done, or ``None``.
    """

    jobs: Jobs
    request: ScanRequest
    network: Model
    options: RunOptions
    ledger: Ledger
    on_event: Listener = ignore
    before_store: Callable[[Record, ContentKey], None] = lambda _record, _key: None
    stopped: str | None = None

    def __iter__(self) -> Iterator[Done]:
        jobs = self.jobs
        for key in jobs.poisoned:
            reason = Reason(CRASHED, f"the program died {MAX_CRASHES} times while reading it")
            yield self._keep(key, ScanResult(Status.FAILED, jobs.by_key[key].series, reason))
        queue = deque(jobs.todo)
        total, index = self._bounded(len(queue)), 0
        while index < total:
            # Asked before each: a signal during the last series leaves nothing undone.
            self.stopped = self.options.stop.reason
            if self.stopped:
                return
            key = queue.popleft()
            self.ledger.start(key)
            self.on_event(Started(index, total, jobs.by_key[key].series))
            try:
                result = self._do(jobs.by_key[key])
            except KeyboardInterrupt:
                self.ledger.put_back(key)
                self.stopped = self.options.stop.reason or "interrupted"
                return
            done = self._keep(key, result)
            self.on_event(Finished(index, total, result))
            yield done
            index += 1
            if other := jobs.instead_of(key, result.status.value):
                queue.appendleft(other)
            total = self._bounded(index + len(queue))

    def _bounded(self, count: int) -> int:
        return count if self.request.limit is None else min(count, self.request.limit)

    def _do(self, job: Job) -> ScanResult:
        if isinstance(job, Rejected):
            return without_candidate(job)
        return analyse(job, self.network, self.request, self.on_event)

    def _keep(self, key: ContentKey, result: ScanResult) -> Done:
        record = to_record(result, self.options.record)
        self.before_store(record, key)
        return Done(result, self.ledger.finish(key, record))
