"""The loop: every series gets a result, whatever happens to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ich_cli.dicom.select import Candidate, Rejected, Selection
from ich_cli.domain import NotAnalysable, Reason, Series, Status, Volume
from ich_cli.errors import OutputError
from ich_cli.models.model import Model, load_model
from ich_cli.phantom.head import make_head
from ich_cli.phantom.spec import PhantomSpec
from ich_cli.pipeline.artefacts import Scanned
from ich_cli.pipeline.events import Event, Finished, Started, Trouble
from ich_cli.pipeline.options import Loader, ScanRequest
from ich_cli.pipeline.plan import ScanPlan
from ich_cli.pipeline.scan import UNEXPECTED, analyse, work_through
from tests.models.toy import mean_network, write_network
from tests.networks import write_bright_network
from tests.pipeline.series import make_series


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_model(str(write_bright_network(tmp_path_factory.mktemp("model"))), threads=1)


@pytest.fixture(scope="module")
def head() -> Volume:
    """A phantom's volume, without a detour over files."""
    spec = PhantomSpec(matrix=96, slices=24)
    made = make_head(spec)
    count, spacing = len(made.hu), made.spacing_mm
    return Volume(
        hu=np.asarray(made.hu, np.float32),
        spacing_mm=(float(spacing[0]), 2.5, 2.5),
        slice_mm=np.full(count, 5.0, np.float32),
        positions_mm=np.stack([np.zeros(count), np.zeros(count), 5.0 * np.arange(count)], 1),
        affine=np.diag([2.5, 2.5, 5.0, 1.0]),
        sop_uids=tuple(f"1.{k}" for k in range(count)),
        flags=("tilt",),
    )


@pytest.fixture
def series(tmp_path: Path) -> Series:
    return make_series(tmp_path)


def candidate(series: Series) -> Candidate:
    return Candidate(series, {"chosen": True})


def loads(answer: Volume | NotAnalysable | Exception) -> Loader:
    def load(_: Series) -> Volume | NotAnalysable:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return load


def request(load: Loader, **more: object) -> ScanRequest:
    return replace(ScanRequest(inputs=(), load=load), **more)  # type: ignore[arg-type]


def test_a_head_is_judged(series: Series, network: Model, head: Volume):
    result = analyse(candidate(series), network, request(loads(head)))
    assert result.status in {Status.POSITIVE, Status.NEGATIVE, Status.INDETERMINATE}
    assert result.assessment is not None
    assert result.reason is None
    assert result.slice_probs is not None
    assert result.slice_probs.shape == (24, 6)
    assert (result.model, len(result.model_sha256)) == ("bright", 64)
    assert "tilt" in result.flags
    assert set(result.timings_s) == {"load", "judge", "infer", "measure"}
    assert result.selection == {"chosen": True}


def test_a_result_keeps_no_large_array(series: Series, network: Model, head: Volume):
    result = analyse(candidate(series), network, request(loads(head)))
    arrays = (result.slice_probs, result.positions_mm)
    for array in arrays:
        assert array is not None
        assert array.base is None
        assert array.nbytes < 10_000


def test_what_is_no_head_is_not_analysable(series: Series, network: Model, head: Volume):
    water = replace(head, hu=np.where(np.arange(96) < 9, -1000, 0) * np.ones_like(head.hu))
    result = analyse(candidate(series), network, request(loads(water)))
    assert result.status is Status.NOT_ANALYSABLE
    assert result.assessment is None
    assert result.reason is not None
    assert result.spacing_mm == head.spacing_mm


def test_a_refusal_of_the_loader_is_taken_over(series: Series, network: Model):
    refusal = NotAnalysable(Reason("cannot_decode", "HTJ2K"), Status.FAILED)
    result = analyse(candidate(series), network, request(loads(refusal)))
    assert (result.status, result.reason) == (Status.FAILED, refusal.reason)


def test_an_unexpected_error_fails_the_series_and_names_only_its_type(
    series: Series, network: Model
):
    events: list[Event] = []
    load = loads(ZeroDivisionError("DOE^JANE"))
    result = analyse(candidate(series), network, request(load), events.append)
    assert result.status is Status.FAILED
    assert result.reason == Reason(UNEXPECTED, "ZeroDivisionError while in stage load")
    (trouble,) = events
    assert isinstance(trouble, Trouble)
    assert str(trouble.error) == "DOE^JANE"


def test_a_network_that_answers_nonsense_fails_the_series_and_says_where(
    tmp_path: Path, series: Series, head: Volume
):
    card = write_network(tmp_path, mean_network(scale=float("inf")))
    events: list[Event] = []
    result = analyse(
        candidate(series), load_model(str(card), threads=1), request(loads(head)), events.append
    )
    assert (result.status, result.assessment) == (Status.FAILED, None)
    assert result.reason is not None
    assert result.reason.code == "not_finite"
    assert "output logits of toy.onnx" in result.reason.detail
    assert "re-export" in result.reason.detail
    assert result.sop_uids == head.sop_uids
    assert events == []


def test_an_error_that_ends_the_run_passes_through(series: Series, network: Model):
    with pytest.raises(OutputError):
        analyse(candidate(series), network, request(loads(OutputError("disk full"))))


def test_artefacts_are_named_in_the_result(series: Series, network: Model, head: Volume):
    def write(scanned: Scanned) -> str:
        return f"pictures/{scanned.name}.png"

    result = analyse(
        candidate(series), network, request(loads(head), artefacts=(("preview", write),))
    )
    assert result.artefacts["preview"].startswith("pictures/")
    assert "preview" in result.timings_s


def test_an_artefact_that_cannot_be_drawn_costs_a_flag_and_not_the_answer(
    series: Series, network: Model, head: Volume
):
    def write(_: Scanned) -> str:
        raise ValueError("no key slice")

    events: list[Event] = []
    result = analyse(
        candidate(series), network, request(loads(head), artefacts=(("preview", write),)),
        events.append,
    )  # fmt: skip
    assert result.assessment is not None
    assert "no_preview" in result.flags
    assert [type(event) for event in events] == [Trouble]


def test_one_bad_series_does_not_stop_the_others(tmp_path: Path, network: Model, head: Volume):
    many = [make_series(tmp_path, f"1.{k}", f"1.{k}.1") for k in range(3)]
    bad = many[1].series_uid

    def load(series: Series) -> Volume:
        if series.series_uid == bad:
            raise RuntimeError
        return head

    stray = make_series(tmp_path, "1.9", "1.9.1")
    selection = Selection(
        tuple(candidate(s) for s in many), (Rejected(stray, Reason("contrast"), True),)
    )
    plan = ScanPlan(discovery=None, selection=selection)  # type: ignore[arg-type]
    events: list[Event] = []
    results = list(work_through(plan, request(load), network, events.append))
    assert [r.status is Status.FAILED for r in results] == [False, True, False, False]
    assert results[3].status is Status.NOT_ANALYSABLE
    assert results[3].reason == Reason("contrast")
    assert sum(isinstance(e, Started) for e in events) == 3
    assert [e.index for e in events if isinstance(e, Finished)] == [0, 1, 2]


def test_limit_bounds_the_work(tmp_path: Path, network: Model):
    many = tuple(candidate(make_series(tmp_path, f"1.{k}", f"1.{k}.1")) for k in range(3))
    plan = ScanPlan(discovery=None, selection=Selection(many, ()))  # type: ignore[arg-type]
    asked = request(loads(NotAnalysable(Reason("gap"))), limit=2)
    assert len(list(work_through(plan, asked, network))) == 2
