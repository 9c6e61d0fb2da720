from __future__ import annotations

import socket
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ich_cli.errors import OutputError, UsageError
from ich_cli.pipeline.metrics import Metrics

from .series import make_keys, make_record


def samples(text: str) -> dict[str, float]:
    return {
        sample.name
        + "".join(f"|{value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def counted(tmp_path: Path) -> Metrics:
    metrics = Metrics()
    statuses = ["positive", "negative", "negative", "not_analysable", "failed"]
    for key, status in zip(make_keys(tmp_path / "in", 5), statuses, strict=True):
        metrics.count(make_record(key, status))
    return metrics


def test_the_text_file_holds_what_was_counted(tmp_path: Path) -> None:
    path = tmp_path / "metrics.prom"
    counted(tmp_path).write(path)
    found = samples(path.read_text())
    assert found["ich_scans_total|positive"] == 1
    assert found["ich_scans_total|negative"] == 2
    assert found["ich_unread_total|cannot_decode|not_analysable"] == 1
    assert found["ich_unread_total|cannot_decode|failed"] == 1
    assert found["ich_score_count"] == 3
    assert found["ich_score_bucket|0.2"] == 0
    assert found["ich_score_bucket|0.25"] == 3
    assert found["ich_last_scan_timestamp_seconds"] > 1e9


def test_no_identifier_is_in_the_metrics(tmp_path: Path) -> None:
    path = tmp_path / "metrics.prom"
    counted(tmp_path).write(path)
    text = path.read_text()
    assert "0123456789abcdef" not in text
    assert "1.0.1" not in text


def test_metrics_are_served(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    counted(tmp_path).serve(port, "127.0.0.1")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        assert samples(answer.read().decode())["ich_scans_total|negative"] == 2


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(UsageError, match="another --metrics-port"):
            Metrics().serve(other.getsockname()[1], "127.0.0.1")


def test_a_file_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        Metrics().write(tmp_path / "no" / "such" / "metrics.prom")
