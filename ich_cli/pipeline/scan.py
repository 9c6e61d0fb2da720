"""The loop: one series after the other, each to a result, none able to stop the run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from ich_cli.dicom.plausibility import judge_pixels
from ich_cli.dicom.select import Candidate, Rejected
from ich_cli.domain import (
    NotAnalysable,
    Reason,
    ScanResult,
    Series,
    SlicePrediction,
    Status,
    Volume,
)
from ich_cli.findings.assess import Judged, judge
from ich_cli.findings.policy import policy_of
from ich_cli.models.finite import NotFiniteError
from ich_cli.models.model import Model
from ich_cli.pipeline.artefacts import Scanned
from ich_cli.pipeline.attempt import attempt
from ich_cli.pipeline.events import Finished, Listener, Started, Trouble, ignore
from ich_cli.pipeline.options import ScanRequest
from ich_cli.pipeline.plan import ScanPlan, make_plan
from ich_cli.pipeline.stopwatch import Stopwatch

UNEXPECTED = "unexpected"
NOT_FINITE = "not_finite"
"""Reason of a scan of which the network gave NaN or infinity."""

DEFAULT_THRESHOLDS = "default_thresholds"
"""Flag of calls at thresholds that the model card does not state: they were fitted to nothing."""


def scan(request: ScanRequest, network: Model, on_event: Listener = ignore) -> Iterator[ScanResult]:
    """Discover, select, and give one result after the other; nothing is kept or written.

    Results of studies without a candidate come last, with the reason.

    Raises:
        UsageError: An input path does not exist.
        OutputError: An artefact cannot be written.
    """
    yield from work_through(make_plan(request, on_event), request, network, on_event)


def work_through(
    plan: ScanPlan, request: ScanRequest, network: Model, on_event: Listener = ignore
) -> Iterator[ScanResult]:
    """Give the results of a plan; only one series at a time is in memory."""
    candidates = plan.selection.candidates[: request.limit]
    for index, candidate in enumerate(candidates):
        on_event(Started(index, len(candidates), candidate.series))
        result = analyse(candidate, network, request, on_event)
        on_event(Finished(index, len(candidates), result))
        yield result
    for rejected in plan.selection.rejected:
        if rejected.not_analysable:
            yield without_candidate(rejected)


def analyse(
    candidate: Candidate, network: Model, request: ScanRequest, on_event: Listener = ignore
) -> ScanResult:
    """One candidate series to its result; whatever goes wrong becomes part of the result.

    Raises:
        OutputError: An artefact cannot be written.
    """
    job = _Job(candidate.series, network, request, on_event)
    outcome = attempt(job.run)
    if isinstance(outcome, Exception):
        on_event(Trouble(candidate.series, job.watch.stage_now, outcome))
        # Only the exception's type is told: its text may hold header values.
        where = f"{type(outcome).__name__} while in stage {job.watch.stage_now}"
        outcome = ScanResult(Status.FAILED, candidate.series, Reason(UNEXPECTED, where))
    return replace(
        outcome,
        model=network.card.name,
        model_sha256=network.card.sha256,
        selection=candidate.decision,
        timings_s=dict(job.watch.seconds),
    )


def without_candidate(rejected: Rejected) -> ScanResult:
    """The row of a study that has no series to analyse: never silence, never negative."""
    return ScanResult(
        status=Status.NOT_ANALYSABLE,
        series=rejected.series,
        reason=rejected.reason,
        selection=rejected.decision,
    )


@dataclass(slots=True)
class _Job:
    """The stages of one series, with the time each of them takes."""

    series: Series
    network: Model
    request: ScanRequest
    on_event: Listener
    watch: Stopwatch = field(default_factory=Stopwatch)

    def run(self) -> ScanResult:
        """Load, judge, infer, measure, ask, write."""
        with self.watch.stage("load"):
            volume = self.request.load(self.series)
        if isinstance(volume, NotAnalysable):
            return ScanResult(volume.status, self.series, volume.reason, skipped=volume.skipped)
        with self.watch.stage("judge"):
            refusal = judge_pixels(volume, self.series)
        if refusal is not None:
            return self._describe(volume, ScanResult(Status.NOT_ANALYSABLE, self.series, refusal))
        try:
            with self.watch.stage("infer"):
                prediction = self.network.predict(volume.hu, volume.spacing_mm, lazy_masks=True)
        except NotFiniteError as error:
            reason = Reason(NOT_FINITE, str(error))
            return self._describe(volume, ScanResult(Status.FAILED, self.series, reason))
        with self.watch.stage("measure"):
            judged = judge(volume, prediction, policy_of(self.network.card))
        assessment = judged.assessment
        opinion = None
        if self.request.second_reader is not None:
            with self.watch.stage("second_reader"):
                opinion = self.request.second_reader(volume, prediction, assessment)
        artefacts, flags = self._write_artefacts(volume, prediction, judged)
        if self.network.card.has_default_thresholds:
            flags = (*flags, DEFAULT_THRESHOLDS)
        result = ScanResult(
            assessment.status,
            self.series,
            assessment=assessment,
            # A copy: a view would keep the arrays of the whole prediction alive.
            slice_probs=np.array(prediction.probs, np.float32),
            second_opinion=opinion,
            used=volume.used,
            artefacts=artefacts,
            flags=flags,
        )
        return self._describe(volume, result)

    def _describe(self, volume: Volume, result: ScanResult) -> ScanResult:
        """Add what is known of the volume; its pixels are not kept."""
        return replace(
            result,
            sop_uids=volume.sop_uids,
            positions_mm=np.array(volume.positions_mm),
            spacing_mm=volume.spacing_mm,
            slice_thickness_mm=volume.slice_thickness_mm,
            tilt_deg=volume.tilt_deg,
            flags=(*volume.flags, *result.flags),
            notes=volume.notes,
            skipped=volume.skipped,
        )

    def _write_artefacts(
        self, volume: Volume, prediction: SlicePrediction, judged: Judged
    ) -> tuple[dict[str, str], tuple[str, ...]]:
        """Write previews and masks. One that cannot be drawn is flagged; the answer stands."""
        written: dict[str, str] = {}
        flags: list[str] = []
        scanned = Scanned(self.series, volume, prediction, judged.assessment, judged.labels)
        for kind, write in self.request.artefacts:
            with self.watch.stage(kind):
                name = attempt(partial(write, scanned))
            if isinstance(name, Exception):
                self.on_event(Trouble(self.series, kind, name))
                flags.append(f"no_{kind}")
            elif name is not None:
                written[kind] = name
        return written, tuple(flags)
