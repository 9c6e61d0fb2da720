"""What one run has to do, series by series, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timezone

from ich_cli.domain import LABELS
from ich_cli.errors import ExitCode
from ich_cli.models.model import Model
from ich_cli.pipeline.accounts import FileAccounts, Identity, identity_of
from ich_cli.pipeline.content_key import recipe_of
from ich_cli.pipeline.events import Event, Listener
from ich_cli.pipeline.jobs import UNREAD, Jobs
from ich_cli.pipeline.ledger import Ledger, Stored
from ich_cli.pipeline.options import ScanRequest
from ich_cli.pipeline.plan import make_plan
from ich_cli.pipeline.run_options import RunOptions, RunOutcome
from ich_cli.pipeline.series_loop import SeriesLoop
from ich_cli.reports import FORMATS
from ich_cli.reports.record import Record
from ich_cli.reports.run_json import RunFacts
from ich_cli.reports.table import Summary, summarise

UNAVAILABLE = "unavailable"


class Work:
    """What one run has to do and what came of it."""

    def __init__(
        self,
        request: ScanRequest,
        network: Model,
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
        self.jobs = Jobs(
            self.plan, recipe, ledger, redo=options.redo, retry_failed=options.retry_failed
        )
        ledger.forget_waiting(self.jobs.by_key)

    def _listen_while_planning(self, event: Event) -> None:
        self.on_event(event)
        if self.options.stop.interrupted:
            raise KeyboardInterrupt

    def records(self) -> Iterator[Stored]:
        """Do what is to be done, one series at a time."""
        loop = SeriesLoop(
            self.jobs, self.request, self.network, self.options, self.ledger, self.on_event
        )
        for done in loop:
            self.n_new += 1
            self.timings.update(done.result.timings_s)
            yield done.stored
        self.stopped = loop.stopped

    def _rows_of_this_run(self) -> Iterator[Record]:
        mine = {key.identity for key in self.jobs.by_key}
        for record in self.ledger.rows():
            if _identity(record) in mine:
                yield record

    def outcome(self) -> RunOutcome:
        """Sum up, from the ledger, the scans whose files were found."""
        summary = summarise(self._rows_of_this_run())
        formats = dict.fromkeys((*self.options.formats, "jsonl"))
        return RunOutcome(
            exit_code=self._exit_code(summary),
            summary=summary,
            n_new=self.n_new,
            n_known=len(self.jobs.known),
            stopped=self.stopped,
            accounts=self._account(),
            files=tuple(self.options.out / FORMATS[name].filename for name in formats),
        )

    def _exit_code(self, summary: Summary) -> ExitCode:
        if self.stopped and self.options.stop.interrupted:
            return ExitCode.UNEXPECTED
        if not self.jobs.by_key:
            return ExitCode.NOTHING_TO_DO
        silent = self.options.reader_required and summary.tier_counts.get(UNAVAILABLE)
        if silent or any(summary.status_counts.get(status) for status in UNREAD):
            return ExitCode.INCOMPLETE
        return ExitCode.OK

    def facts(self, outcome: RunOutcome, started: datetime) -> RunFacts:
        """Everything for ``run.json``."""
        accounts = outcome.accounts
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
                "default_thresholds": card.has_default_thresholds,
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
        changed = {key.identity for key in self.jobs.shrunk}
        mine = {key.identity for key in self.jobs.by_key}
        accounts = FileAccounts(
            self.plan.discovery,
            [r for r in self.plan.selection.rejected if identity_of(r.series) not in mine],
            [job.series for job in self.jobs.by_key.values()],
        )
        for record in self._rows_of_this_run():
            accounts.add(record, changed=_identity(record) in changed)
        accounts.close()
        return accounts


def _identity(record: Record) -> Identity:
    return record["study_uid"], record["series_uid"], record["series_part"]
