"""What a monitoring system can ask: Prometheus metrics as a text file or over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    start_http_server,
    write_to_textfile,
)

from ich_cli.errors import OutputError, UsageError

SCORE_BUCKETS = tuple(round(0.05 * step, 2) for step in range(1, 21))
SECONDS_BUCKETS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)


class Metrics:
    """The metrics of one watcher; none of their labels carries anything of a patient."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self.scans = Counter("ich_scans", "Scans finished, by status.", ["status"], registry=own)
        self.reasons = Counter(
            "ich_unread",
            "Scans not analysed, by status and reason.",
            ["status", "reason"],
            registry=own,
        )
        self.tiers = Counter(
            "ich_second_reader", "Second readings, by tier.", ["tier"], registry=own
        )
        self.score = Histogram(
            "ich_score", "Probability of any blood.", buckets=SCORE_BUCKETS, registry=own
        )
        self.seconds = Histogram(
            "ich_scan_seconds", "Seconds of work per scan.", buckets=SECONDS_BUCKETS, registry=own
        )
        self.delay = Histogram(
            "ich_delay_seconds",
            "Seconds from a study's first file to its result.",
            buckets=(60, 120, 300, 600, 1800, 3600, 21600, 86400),
            registry=own,
        )
        self.files_waiting = Gauge("ich_files_waiting", "Files not yet taken.", registry=own)
        self.studies_waiting = Gauge("ich_studies_waiting", "Studies not yet taken.", registry=own)
        self.oldest = Gauge(
            "ich_oldest_waiting_seconds", "Age of the oldest waiting study.", registry=own
        )
        self.notifications = Counter(
            "ich_notifications",
            "Notifications by channel and outcome.",
            ["channel", "outcome"],
            registry=own,
        )
        self.outbox = Gauge(
            "ich_notifications_waiting", "Notifications not yet delivered.", registry=own
        )
        self.deaths = Counter("ich_decoder_deaths", "Decoder processes that died.", registry=own)
        self.errors = Counter("ich_errors", "Studies that could not be worked on.", registry=own)
        self.last = Gauge(
            "ich_last_scan_timestamp_seconds", "When a scan was last finished.", registry=own
        )
        self.up = Gauge("ich_up", "1 while the watcher works.", registry=own)

    def count(self, record: Mapping[str, Any]) -> None:
        """Take one finished record in."""
        status = str(record["status"])
        self.scans.labels(status).inc()
        reason = record.get("reason")
        if reason:
            self.reasons.labels(status, str(reason["code"])).inc()
        if record.get("probs"):
            self.score.observe(record["probs"]["any"])
        if record.get("seconds") is not None:
            self.seconds.observe(record["seconds"])
        if record.get("second_reader"):
            self.tiers.labels(str(record["second_reader"]["tier"])).inc()
        self.last.set_to_current_time()

    def write(self, path: Path) -> None:
        """Write the text file, atomically; the node exporter's textfile collector reads it.

        Raises:
            OutputError: It cannot be written.
        """
        try:
            write_to_textfile(str(path), self.registry)
            path.chmod(0o644)
        except OSError as err:
            raise OutputError(f"cannot write {path}: {err.strerror}; check the folder") from err

    def serve(self, port: int, address: str) -> None:
        """Answer ``GET /metrics`` from a thread until the program ends.

        Raises:
            UsageError: The port cannot be had.
        """
        try:
            start_http_server(port, addr=address, registry=self.registry)
        except OSError as err:
            raise UsageError(
                f"cannot serve metrics on {address}:{port}: {err.strerror}; "
                "choose another --metrics-port"
            ) from err
