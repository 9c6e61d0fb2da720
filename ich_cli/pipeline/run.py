"""One run: lock the output folder, do what is new, keep the reports true, say what happened."""

from __future__ import annotations

from datetime import datetime, timezone

from ich_cli.models.model import Model
from ich_cli.pipeline.events import Listener, ignore
from ich_cli.pipeline.ledger import Ledger
from ich_cli.pipeline.ledger_results import Results
from ich_cli.pipeline.lock import hold
from ich_cli.pipeline.options import ScanRequest
from ich_cli.pipeline.plan import check_inputs
from ich_cli.pipeline.run_options import RunOptions, RunOutcome
from ich_cli.pipeline.series_loop import CRASHED
from ich_cli.pipeline.work import Work
from ich_cli.reports import FORMATS
from ich_cli.reports.atomic import make_folder
from ich_cli.reports.run_json import write_run

__all__ = ["CRASHED", "RUN_FILE", "RunOptions", "RunOutcome", "run"]

RUN_FILE = "run.json"


def run(
    request: ScanRequest, network: Model, options: RunOptions, on_event: Listener = ignore
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
        work = Work(request, network, options, ledger, on_event)
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
