"""What is to be analysed: each study's candidate, and its next best where that is no head CT."""

from __future__ import annotations

from ich_cli.dicom.select import Candidate, Rejected
from ich_cli.domain import Series, Status
from ich_cli.pipeline.accounts import identity_of
from ich_cli.pipeline.content_key import (
    ContentKey,
    content_key,
    digests_of,
    uids_by_series,
)
from ich_cli.pipeline.ledger import Ledger
from ich_cli.pipeline.plan import ScanPlan
from ich_cli.pipeline.since import TOO_OLD

Job = Candidate | Rejected

UNREAD = frozenset({Status.FAILED.value, Status.NOT_ANALYSABLE.value})
_LEFT_OUT = frozenset({"excluded", "not_included", TOO_OLD})


class Jobs:
    """The series of a plan by key, less what the ledger knows already.

    Rows of series that are no longer candidates are retired from the ledger, and what is to
    be done is noted there as waiting.

    Attributes:
        by_key: Every series that gets a row; grows as next best series are tried.
        known: Those whose answer is there already.
        todo: Those to be done, in the order to work in.
        poisoned: Those that the program died of too often.
        unanswered: Some that are known have failed before and are not tried again.
    """

    def __init__(
        self,
        plan: ScanPlan,
        recipe: str,
        ledger: Ledger,
        *,
        redo: bool = False,
        retry_failed: bool = False,
    ) -> None:
        self._recipe, self._ledger = recipe, ledger
        self._redo, self._retry_failed = redo, retry_failed
        first: list[Job] = [*plan.selection.candidates]
        first += (r for r in plan.selection.rejected if r.not_analysable)
        self.by_key = {content_key(job.series, recipe): job for job in first}
        self._retire(plan)
        asked = ledger.plan(list(self.by_key), redo=redo, retry_failed=retry_failed)
        self.shrunk, self.poisoned = asked.shrunk, asked.poisoned
        self.known = {*asked.done, *asked.shrunk, *asked.failed}
        self.unanswered = bool(asked.failed)
        self.todo = [*asked.todo, *self._instead_of_known()]

    def _retire(self, plan: ScanPlan) -> None:
        left_out = {
            (r.series.study_uid, r.series.series_uid)
            for r in plan.selection.rejected
            if r.reason.code in _LEFT_OUT
        }
        seen = uids_by_series(
            (s.study_uid, s.series_uid, digests_of(item.sop_uid for item in s.instances))
            for s in plan.discovery.series
            if (s.study_uid, s.series_uid) not in left_out
        )
        # Rows of alternatives stay where they were tried because the candidate was no head CT.
        spare = (
            other
            for key, job in self.by_key.items()
            if isinstance(job, Candidate) and self._ledger.status_of(key) in UNREAD
            for other in job.alternatives
        )
        self._ledger.retire(seen, [*self.by_key, *(_identity_only(series) for series in spare)])

    def instead_of(self, key: ContentKey, status: str | None) -> ContentKey | None:
        """The study's next best series to be done, when that of ``key`` could not be read."""
        job = self.by_key[key]
        if status not in UNREAD or not isinstance(job, Candidate) or not job.alternatives:
            return None
        series, *rest = job.alternatives
        other = content_key(series, self._recipe)
        if other in self.by_key:
            return None
        decision = {"chosen": True, "instead_of": job.series.series_uid, "status_there": status}
        self.by_key[other] = Candidate(series, decision, tuple(rest))
        asked = self._ledger.plan([other], redo=self._redo, retry_failed=self._retry_failed)
        if asked.todo:
            return other
        self.known.add(other)
        return self.instead_of(other, self._ledger.status_of(other))

    def _instead_of_known(self) -> list[ContentKey]:
        """Series still to be tried for candidates that an earlier run could not analyse."""
        others = [self.instead_of(key, self._ledger.status_of(key)) for key in list(self.known)]
        return [other for other in others if other is not None]


def _identity_only(series: Series) -> ContentKey:
    """A key that names a row, without looking at any file."""
    return ContentKey(*identity_of(series), digest="", recipe="", uids=b"")
