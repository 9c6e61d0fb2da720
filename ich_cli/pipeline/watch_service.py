"""The watcher with everything around it: lock, ledger, reports, notifications, health."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from ich_cli.dicom.volume import load_volume
from ich_cli.errors import IchError, UsageError
from ich_cli.pipeline.assemble import Assembly
from ich_cli.pipeline.content_key import ContentKey
from ich_cli.pipeline.events import Listener, ignore
from ich_cli.pipeline.ledger import Ledger, Stored
from ich_cli.pipeline.ledger_results import Results
from ich_cli.pipeline.lock import hold
from ich_cli.pipeline.metrics import Metrics
from ich_cli.pipeline.notify import event_of
from ich_cli.pipeline.notify_channels import channels_of
from ich_cli.pipeline.notify_outbox import Outbox
from ich_cli.pipeline.privacy import load_key, pseudonym
from ich_cli.pipeline.stop import Stop
from ich_cli.pipeline.watch import Watcher
from ich_cli.pipeline.watch_health import Health
from ich_cli.pipeline.watch_settings import WatchSettings
from ich_cli.pipeline.watch_source import Source
from ich_cli.pipeline.watch_store import WatchStore
from ich_cli.pipeline.watch_study import StudyOutcome, StudyWork
from ich_cli.pipeline.worker import Decoder
from ich_cli.reports import FORMATS
from ich_cli.reports.atomic import make_folder
from ich_cli.reports.record import Record

REPORT_EVERY_S = 5.0
METRICS_FILE = "metrics.prom"

Setup = tuple[Assembly, WatchSettings]


class WatchService:
    """Everything that runs while ``ich watch`` does. Use ``WatchService.running``.

    Args:
        setup: How to scan and how to watch.
        stop: Asked between series and between studies.
        listen: Told what the pipeline does.
        warn: Told in one line, without PHI, what went wrong while the watcher goes on.
    """

    def __init__(
        self,
        setup: Setup,
        stop: Stop,
        listen: Listener = ignore,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._assembly, self._settings = setup
        self._stop, self._listen, self._warn = stop, listen, warn
        self._out = self._assembly.options.out
        self._metrics = Metrics()
        self._health = Health()
        self._rename = partial(pseudonym, key=load_key())
        self._next_report = 0.0
        self._ledger: Ledger
        self._results: Results
        self._outbox: Outbox
        self._decoder: Decoder
        self._watcher: Watcher

    @contextmanager
    def running(self, folders: Sequence[Path]) -> Iterator[WatchService]:
        """Lock the output folder, open everything, and begin to watch.

        Raises:
            UsageError: A folder is not there, or a setting cannot be used.
            LockedError: Another run holds the output folder.
            OutputError: The output folder cannot be written.
        """
        folders = tuple(_folder(path) for path in folders)
        own_folders = self._own_folders(folders)
        channels = channels_of(self._settings)
        make_folder(self._out)
        with ExitStack() as open_until_end:
            enter = open_until_end.enter_context
            enter(hold(self._out))
            self._ledger = enter(Ledger.open(self._out))
            self._results = Results(self._ledger, sorted(_kept_up(self._assembly)))
            open_until_end.callback(self._results.close)
            self._results.reconcile()
            store = enter(WatchStore.open(self._out))
            self._outbox = Outbox(self._out, channels, self._told)
            open_until_end.callback(self._outbox.close)
            self._decoder = enter(Decoder(load_volume))
            self._decoder.start()
            source = enter(Source(folders, self._settings.poll))
            self._watcher = Watcher(
                source,
                store,
                self._settings,
                self._scan_study,
                leave_out=own_folders,
                on_error=self._unexpected,
                on_kept=self._kept,
            )
            self._outbox.start()
            if self._settings.metrics_port is not None:
                self._metrics.serve(self._settings.metrics_port, self._settings.metrics_address)
            self._health.state = "running"
            self._metrics.up.set(1)
            try:
                yield self
            finally:
                self._results.publish()
                self._health.state = "stopped"
                self._metrics.up.set(0)
                self.report()

    def run(self, reload: Callable[[], Setup | None], idle_s: float | None = None) -> None:
        """Watch until asked to stop.

        Args:
            reload: Gives another setup when one was asked for. A setup that cannot be used,
                or not without a new start, is told of, and the old one stays.
            idle_s: End when nothing has waited for so long.
        """
        busy = time.monotonic()
        while self._stop.reason is None:
            self._reload(reload)
            took_one = self._watcher.step()
            now = time.monotonic()
            if took_one or self._watcher.files_waiting:
                busy = now
            if not took_one:
                self._results.publish_if_due(idle=True)
            if took_one or now >= self._next_report:
                self.report()
            if idle_s is not None and now - busy >= idle_s:
                return

    def report(self) -> None:
        """Write the health file and the metrics."""
        self._next_report = time.monotonic() + REPORT_EVERY_S
        health, watcher = self._health, self._watcher
        health.studies_done = watcher.studies_done
        health.studies_waiting = watcher.studies_waiting
        health.files_waiting = watcher.files_waiting
        health.oldest_waiting_s = watcher.oldest_waiting_s
        health.notifications_waiting = undelivered = self._outbox.count()
        metrics = self._metrics
        metrics.studies_waiting.set(health.studies_waiting)
        metrics.files_waiting.set(health.files_waiting)
        metrics.oldest.set(health.oldest_waiting_s or 0.0)
        if undelivered is not None:
            metrics.outbox.set(undelivered)
        health.write(self._out)
        metrics.write(self._settings.metrics_file or self._out / METRICS_FILE)

    def _scan_study(self, files: Collection[Path]) -> StudyOutcome:
        work = StudyWork(
            request=replace(self._assembly.request, load=self._decoder),
            network=self._assembly.network,
            options=replace(self._assembly.options, stop=self._stop),
            ledger=self._ledger,
            on_event=self._listen,
            before_store=self._announce,
        )
        deaths = self._decoder.deaths
        try:
            return work.do(files, self._stored)
        finally:
            self._metrics.deaths.inc(self._decoder.deaths - deaths)

    def _announce(self, record: Record, key: ContentKey) -> None:
        if record["status"] == "positive":
            rename = None if self._settings.notify_uids else self._rename
            self._outbox.add(event_of(record, key.digest[:32], rename))

    def _stored(self, stored: Stored) -> None:
        self._results.add(stored)
        self._metrics.count(stored.record)
        self._metrics.delay.observe(self._watcher.last_wait_s)
        self._health.last_scan = time.time()

    def _unexpected(self, error: Exception) -> None:
        self._metrics.errors.inc()
        self._went_wrong(f"{type(error).__name__} with one study")

    def _kept(self, count: int) -> None:
        done = "deleted" if self._settings.on_done == "delete" else "moved"
        self._went_wrong(
            f"{count} files of an analysed study could not be {done}; check permissions and free "
            "space"
        )

    def _went_wrong(self, what: str) -> None:
        self._health.last_error = what
        self._warn(what)

    def _told(self, channel: str, outcome: str, detail: str) -> None:
        self._metrics.notifications.labels(channel, outcome).inc()
        if outcome != "delivered":
            self._warn(f"notification by {channel} {outcome}: {detail}")

    def _reload(self, reload: Callable[[], Setup | None]) -> None:
        try:
            setup = reload()
            if setup is None:
                return
            self._refuse_what_stays(setup)
            channels = channels_of(setup[1])
        except IchError as error:
            self._health.last_error = "the configuration could not be reloaded"
            self._warn(f"{self._health.last_error}, the old one stays: {error}")
            return
        self._assembly, self._settings = setup
        self._watcher.use(self._settings)
        self._outbox.use(channels)

    def _refuse_what_stays(self, setup: Setup) -> None:
        """Settings that were used once, at the start, are not taken from another setup.

        Raises:
            UsageError: Names those that differ.
        """
        now, then = _set_at_start((self._assembly, self._settings)), _set_at_start(setup)
        differ = [name for name in now if now[name] != then[name]]
        if differ:
            raise UsageError(f"{', '.join(differ)} cannot change while watching; start again")

    def _own_folders(self, watched: Sequence[Path]) -> list[Path]:
        """Folders that are written to, but for those that the watched ones lie in.

        Raises:
            UsageError: A watched folder is itself one of them.
        """
        own = {"--out": self._out, "--done-to": self._settings.done_to}
        places = {name: path.resolve() for name, path in own.items() if path is not None}
        for name, place in places.items():
            if place in watched:
                raise UsageError(
                    f"the folder {place} is watched and cannot be {name} too; "
                    f"choose another {name}, which may lie below it"
                )
        return [
            place
            for place in places.values()
            if not any(folder.is_relative_to(place) for folder in watched)
        ]


def _set_at_start(setup: Setup) -> dict[str, object]:
    """What locks, opens, or leaves out something when the watcher starts, by its key."""
    assembly, settings = setup
    done_to, told = settings.done_to, assembly.options.settings
    return {
        "out": assembly.options.out.resolve(),
        "format": _kept_up(assembly),
        "done_to": None if done_to is None else done_to.resolve(),
        "poll": settings.poll,
        "metrics_port": settings.metrics_port,
        "metrics_address": settings.metrics_address,
        **{name: told[name]["value"] for name in ("log_file", "nice", "quiet", "verbose")},
    }


def _kept_up(assembly: Assembly) -> frozenset[str]:
    """Formats whose files follow each scan: a page for people is made when it is asked for."""
    return frozenset(name for name in assembly.options.formats if not FORMATS[name].final)


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise UsageError(f"there is no folder {path}; correct the path")
    return path.resolve()
