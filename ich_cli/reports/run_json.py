"""``run.json``: what ran, on what, with which result."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import ich_cli
from ich_cli.notice import NOTICE
from ich_cli.reports.atomic import atomic_text
from ich_cli.reports.record import SCHEMA_VERSION

_PACKAGES = (
    *("numpy", "onnxruntime", "onnxruntime-gpu", "pydicom", "python-gdcm", "scipy", "SimpleITK"),
    *("openai", "google-genai", "anthropic"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """Everything about a run that is not about one scan.

    Attributes:
        command: The command line, program name first.
        stopped: Why the run ended early, or ``None``.
        device_used: The provider that ONNX Runtime really uses.
        model: Name, sha256, version and operating point of the network.
        scans_new: Analysed by this run.
        scans_known: Known already, by content, from an earlier run.
        second_reader: Who it was, its prompt's hash, tokens and cost; ``None`` without one.
        settings: Every setting as ``{"value": …, "source": …}``.
        files_skipped: Reason code → number of files.
        series_rejected: Reason code → number of series that were no candidates.
        timings_s: Seconds by stage, summed over all scans.
    """

    command: Sequence[str]
    started: datetime
    ended: datetime
    exit_code: int
    stopped: str | None
    device_asked: str
    device_used: str
    model: Mapping[str, Any]
    settings: Mapping[str, Any]
    status_counts: Mapping[str, int]
    reason_counts: Mapping[str, int]
    scans_new: int
    scans_known: int
    files_seen: int
    files_used: int
    files_skipped: Mapping[str, int]
    series_found: int
    candidates: int
    series_rejected: Mapping[str, int]
    timings_s: Mapping[str, float] = field(default_factory=dict)
    second_reader: Mapping[str, Any] | None = None


def to_run_record(facts: RunFacts) -> dict[str, Any]:
    """The JSON object of a run; follows the schema of ``ich schema run``."""
    return {
        "schema_version": SCHEMA_VERSION,
        "disclaimer": NOTICE,
        "ich_version": ich_cli.__version__,
        "command": list(facts.command),
        "started": facts.started.isoformat(timespec="seconds"),
        "ended": facts.ended.isoformat(timespec="seconds"),
        "exit_code": facts.exit_code,
        "stopped": facts.stopped,
        "versions": _versions(),
        "host": {
            "name": platform.node(),
            "platform": platform.platform(),
            "machine": platform.machine(),
            "cpus": os.cpu_count(),
        },
        "device": {"asked": facts.device_asked, "used": facts.device_used},
        "model": dict(facts.model),
        "second_reader": None if facts.second_reader is None else dict(facts.second_reader),
        "settings": dict(facts.settings),
        "counts": {
            "scans": sum(facts.status_counts.values()),
            "new": facts.scans_new,
            "known": facts.scans_known,
            "status": _sorted(facts.status_counts),
            "reason": _sorted(facts.reason_counts),
        },
        "files": {
            "seen": facts.files_seen,
            "used": facts.files_used,
            "skipped": _sorted(facts.files_skipped),
        },
        "series": {
            "found": facts.series_found,
            "candidates": facts.candidates,
            "rejected": _sorted(facts.series_rejected),
        },
        "timings_s": {stage: round(s, 4) for stage, s in facts.timings_s.items()},
        "wall_s": round((facts.ended - facts.started).total_seconds(), 3),
        "peak_rss_mb": peak_rss_mb(),
    }


def write_run(facts: RunFacts, path: Path) -> None:
    """Write ``run.json``, atomically.

    Raises:
        OutputError: The file cannot be written.
    """
    with atomic_text(path) as file:
        json.dump(to_run_record(facts), file, ensure_ascii=False, indent=2, allow_nan=False)
        file.write("\n")


def peak_rss_mb() -> float | None:
    """Largest resident memory of this process so far in MB, or ``None`` where unknown."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 1 if sys.platform == "darwin" else 1024
    return round(peak * unit / 1e6, 1)


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {"python": platform.python_version()}
    return found | {package: _version(package) for package in _PACKAGES}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    """Most frequent first, then by name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
