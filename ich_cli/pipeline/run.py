"""One run: lock the output folder, do what is new, keep the reports true, say what happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ich_cli.dicom.select import Candidate, Rejected
from ich_cli.domain import LABELS, Reason, ScanResult, Status
from ich_cli.errors import ExitCode
from ich_cli.models.network import Network
from ich_cli.pipeline.accounts import FileAccounts
from ich_cli.pipeline.content_key import ContentKey, content_key, recipe_of, uids_seen
from ich_cli.pipeline.events import Event, Finished, Listener, Started, ignore
from ich_cli.pipeline.ledger import Ledger, Stored
from ich_cli.pipeline.ledger_plan import MAX_CRASHES
from ich_cli.pipeline.ledger_plan import Plan as Todo
from ich_cli.pipeline.ledger_results import Results
from ich_cli.pipeline.lock import hold
from ich_cli.pipeline.options import ScanRequest
from ich_cli.pipeline.plan import check_inputs, make_plan
from ich_cli.pipeline.scan import analyse, without_candidate
from ich_cli.pipeline.since import TOO_OLD
from ich_cli.pipeline.stop import Stop
from ich_cli.reports import FORMATS
from ich_cli.reports.atomic import make_folder
from ich_cli.reports.record import Record, RecordContext, to_record
from ich_cli.reports.run_json import RunFacts, write_run
from ich_cli.reports.table import Summary, summarise

RUN_FILE = "run.json"
CRASHED = "crashed"
UNAVAILABLE = "unavailable"
_LEFT_OUT = frozenset({"excluded", "not_included", TOO_OLD})
_UNREAD = frozenset({Status.FAILED.value, Status.NOT_ANALYSABLE.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Where a run writes, and what it notes about itself.

    Attributes:
        out: The output folder.
        formats: Names out of :data:`ich_cli.reports.FORMATS`; ``jsonl`` is always written.
        record: How results become records.
        result_settings: Settings that change results; with the model they decide what is new.
        redo: Analyse everything again.
        retry_failed: Analyse again what failed before.
        command: The command line, for ``run.json``.
        settings: All settings with their sources, for ``run.json``.
        device_asked: ``--device``, for ``run.json``.
        reader_facts: Tells, at the end, what the second reader was and cost.
        reader_required: A second opinion that could not be had makes the run incomplete.
        stop: Asked between series.
    """

    out: Path
    formats: tuple[str, ...] = ("csv", "json", "jsonl")
    record: RecordContext = field(default_factory=lambda: RecordContext(pseudonym=None))
    result_settings: Mapping[str, Any] = field(default_factory=dict)
    redo: bool = False
    retry_failed: bool = False
    command: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    device_asked: str = "auto"
    reader_facts: Callable[[], Mapping[str, Any]] | None = None
    reader_required: bool = False
    stop: Stop = field(default_factory=Stop)


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What a run came to.

    Attributes:
        exit_code: As OUTPUT says.
        summary: Of the scans whose files were found by this run, new and known ones.
        n_new: Scans that were analysed now.
        n_known: Scans that were known already.
        stopped: Why the run ended early, or ``None``.
        files: The reports.
    """

    exit_code: ExitCode
    summary: Summary
    n_new: int
    n_known: int
    stopped: str | None
    files: tuple[Path, ...]


def run(
    request: ScanRequest, network: Network, options: RunOptions, on_event: Listener = ignore
) -> RunOutcome:
    """Scan into an output folder.

    Raises:
        UsageError: An input path does not exist; nothing is written.
        LockedError: Another run holds the folder.
        OutputError: A report cannot be written; the reports before it are whole.
    """
    started = datetime.now(timezone.utc)
    check_inputs(request.inputs)
    make_folder(options.out)
    with hold(options.out), Ledger.open(options.out) as ledger:
        results = Results(ledger, [n for n in options.formats if not FORMATS[n].final])
        # First: what a damaged ledger forgot is learnt from the results before it is asked.
        results.reconcile()
        work = _Work(request, network, options, ledger, on_event)
        try:
            for stored in work.records():
                results.add(stored)
        finally:
            results.publish()
            results.close()
        outcome = work.outcome()
        write_run(work.facts(outcome, started), options.out / RUN_FILE)
        for format_ in (FORMATS[name] for name in options.formats if FORMATS[name].final):
            format_.writer()(ledger.rows(), options.out / format_.filename)
    return outcome


class _Work:
    """What one run has to do and what came of it."""

    def __init__(
        self,
        request: ScanRequest,
        network: Network,
        options: RunOptions,
        ledger: Ledger,
        on_event: Listener,
    ) -> None:
        self.request, self.network, self.options = request, network, options
        self.ledger, self.on_event = ledger, on_event
        self.plan = make_plan(request, self._listen_while_planning)
        self.timings: Counter[str] = Counter()
        self.n_new = 0
        self.stopped: str | None = None
        recipe = recipe_of(network.card.fingerprint, options.result_settings)
        jobs: list[Candidate | Rejected] = [*self.plan.selection.candidates]
        jobs += (r for r in self.plan.selection.rejected if r.not_analysable)
        self.jobs = {content_key(job.series, recipe): job for job in jobs}
        self.todo = self._ask_ledger()

    def _listen_while_planning(self, event: Event) -> None:
        self.on_event(event)
        if self.options.stop.interrupted:
            raise KeyboardInterrupt

    def _ask_ledger(self) -> Todo:
        left_out = {
            (r.series.study_uid, r.series.series_uid)
            for r in self.plan.selection.rejected
            if r.reason.code in _LEFT_OUT
        }
        seen = uids_seen(
            s for s in self.plan.discovery.series if (s.study_uid, s.series_uid) not in left_out
        )
        keys = list(self.jobs)
        self.ledger.retire(seen, keys)
        self.ledger.forget_waiting(keys)
        return self.ledger.plan(
            keys, redo=self.options.redo, retry_failed=self.options.retry_failed
        )

    def records(self) -> Iterator[Stored]:
        """Do what is to be done, one series at a time."""
        for key in self.todo.poisoned:
            reason = Reason(CRASHED, f"the program died {MAX_CRASHES} times while reading it")
            yield self._keep(key, ScanResult(Status.FAILED, self.jobs[key].series, reason))
        total = len(self.todo.todo)
        if self.request.limit is not None:
            total = min(total, self.request.limit)
        for index, key in enumerate(self.todo.todo[:total]):
            self.stopped = self.options.stop.reason
            if self.stopped:
                return
            self.ledger.start(key)
            self.on_event(Started(index, total, self.jobs[key].series))
            try:
                result = self._do(self.jobs[key])
            except KeyboardInterrupt:
                self.ledger.put_back(key)
                self.stopped = self.options.stop.reason or "interrupted"
                return
            stored = self._keep(key, result)
            self.on_event(Finished(index, total, result))
            yield stored
        # A signal that came during the last series is no reason to call the run unfinished.

    def _do(self, job: Candidate | Rejected) -> ScanResult:
        if isinstance(job, Rejected):
            return without_candidate(job)
        return analyse(job, self.network, self.request, self.on_event)

    def _keep(self, key: ContentKey, result: ScanResult) -> Stored:
        self.n_new += 1
        self.timings.update(result.timings_s)
        return self.ledger.finish(key, to_record(result, self.options.record))

    def _rows_of_this_run(self) -> Iterator[Record]:
        mine = {key.identity for key in self.jobs}
        for record in self.ledger.rows():
            if (record["study_uid"], record["series_uid"], record["series_part"]) in mine:
                yield record

    def outcome(self) -> RunOutcome:
        """Sum up, from the ledger, the scans whose files were found."""
        summary = summarise(self._rows_of_this_run())
        formats = dict.fromkeys((*self.options.formats, "jsonl"))
        return RunOutcome(
            exit_code=self._exit_code(summary),
            summary=summary,
            n_new=self.n_new,
            n_known=len(self.todo.done) + len(self.todo.shrunk) + len(self.todo.failed),
            stopped=self.stopped,
            files=tuple(self.options.out / FORMATS[name].filename for name in formats),
        )

    def _exit_code(self, summary: Summary) -> ExitCode:
        if self.stopped and self.options.stop.interrupted:
            return ExitCode.UNEXPECTED
        if not self.jobs:
            return ExitCode.NOTHING_TO_DO
        silent = self.options.reader_required and summary.tier_counts.get(UNAVAILABLE)
        if silent or any(summary.status_counts.get(status) for status in _UNREAD):
            return ExitCode.INCOMPLETE
        return ExitCode.OK

    def facts(self, outcome: RunOutcome, started: datetime) -> RunFacts:
        """Everything for ``run.json``."""
        accounts = self._account()
        card = self.network.card
        rejected = Counter(r.reason.code for r in self.plan.selection.rejected)
        return RunFacts(
            command=self.options.command,
            started=started,
            ended=datetime.now(timezone.utc),
            exit_code=int(outcome.exit_code),
            stopped=outcome.stopped,
            device_asked=self.options.device_asked,
            device_used=self.network.provider,
            model={
                "name": card.name,
                "version": card.version,
                "sha256": card.sha256,
                "precision": self.network.precision,
                "batch": self.network.batch,
                "scan_thresholds": dict(zip(LABELS, card.thresholds.scan, strict=True)),
                "licence": card.licence,
            },
            second_reader=self.options.reader_facts() if self.options.reader_facts else None,
            settings=self.options.settings,
            status_counts=outcome.summary.status_counts,
            reason_counts=outcome.summary.reason_counts,
            scans_new=outcome.n_new,
            scans_known=outcome.n_known,
            files_seen=accounts.seen,
            files_used=accounts.used,
            files_skipped=accounts.skipped,
            series_found=len(self.plan.discovery.series),
            candidates=len(self.plan.selection.candidates),
            series_rejected=rejected,
            timings_s=self.timings,
        )

    def _account(self) -> FileAccounts:
        changed = {key.identity for key in self.todo.shrunk}
        accounts = FileAccounts(
            self.plan.discovery,
            [r for r in self.plan.selection.rejected if not r.not_analysable],
            [job.series for job in self.jobs.values()],
        )
        for record in self._rows_of_this_run():
            identity = (record["study_uid"], record["series_uid"], record["series_part"])
            accounts.add(record, changed=identity in changed)
        accounts.close()
        return accounts
