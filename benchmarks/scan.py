"""How long a scan takes, where the time goes, and whether memory stays bounded.

    python -m benchmarks.scan [--model NAME|CARD] [--write]

Phantom studies serve as input: the work is that of real ones, the answers do not matter.
Seconds depend on the machine; the ratios, all taken in one run, are what to compare.
``--write`` puts the table into ``benchmarks/README.md``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import readme
from ich_cli.config import Settings
from ich_cli.dicom.discover import discover
from ich_cli.dicom.select import select
from ich_cli.models.model import load_model
from ich_cli.phantom.spec import PhantomSpec
from ich_cli.phantom.study import write_set
from ich_cli.pipeline.options import ScanRequest
from ich_cli.pipeline.scan import analyse

STAGES = ("load", "judge", "infer", "measure")
COUNTS = (10, 100)


@dataclass(frozen=True)
class Speed:
    """Of one scan, medians over the studies.

    ``bare_s`` is the time inside ONNX Runtime's ``session.run`` alone.
    """

    wall_s: float
    bare_s: float
    shares: dict[str, float]
    slices: int


@dataclass(frozen=True)
class Memory:
    """Of one run of the command."""

    studies: int
    peak_rss_mb: float
    wall_s: float


def main() -> None:
    """Measure and print, or write, the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=Settings().model, help="name or card")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--studies", type=int, default=6, help="studies to time")
    parser.add_argument("--matrix", type=int, default=512)
    parser.add_argument("--skip-memory", action="store_true")
    parser.add_argument("--write", action="store_true", help=f"into {readme.README.name}")
    asked = parser.parse_args()
    model = asked.model
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        speed = measure_speed(model, asked.threads, asked.studies, asked.matrix, home / "speed")
        memory = []
        if not asked.skip_memory:
            pool = home / "pool"
            write_set("mixed", pool, PhantomSpec(matrix=128, slices=24), count=10)
            memory = [measure_memory(model, asked.threads, n, pool, home) for n in COUNTS]
    text = table(model, asked.threads, speed, memory)
    print(text)
    if asked.write:
        readme.put("scan", text)


def measure_speed(model: str, threads: int, studies: int, matrix: int, folder: Path) -> Speed:
    """Scan phantoms in this process, with a clock inside ``session.run``."""
    write_set("mixed", folder, PhantomSpec(matrix=matrix), count=studies)
    network = load_model(model, device="cpu", threads=threads)
    candidates = select(discover([folder]).series).candidates
    request = ScanRequest(inputs=(folder,))
    analyse(candidates[0], network, request)
    walls, bares, times = [], [], []
    for candidate in candidates:
        with clock_on_session_run() as clock:
            start = time.perf_counter()
            result = analyse(candidate, network, request)
            walls.append(time.perf_counter() - start)
        bares.append(sum(clock))
        times.append(result.timings_s)
    total = sum(sum(t.get(s, 0.0) for s in STAGES) for t in times)
    return Speed(
        wall_s=statistics.median(walls),
        bare_s=statistics.median(bares),
        shares={s: sum(t.get(s, 0.0) for t in times) / total for s in STAGES},
        slices=len(candidates[0].series.instances),
    )


@contextmanager
def clock_on_session_run() -> Iterator[list[float]]:
    """Collect the seconds of every ``InferenceSession.run`` within the block."""
    from onnxruntime import InferenceSession

    seconds: list[float] = []
    bare = InferenceSession.run

    def timed(self: Any, *args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        try:
            return bare(self, *args, **kwargs)
        finally:
            seconds.append(time.perf_counter() - start)

    InferenceSession.run = timed
    try:
        yield seconds
    finally:
        InferenceSession.run = bare


def measure_memory(model: str, threads: int, count: int, pool: Path, home: Path) -> Memory:
    """Run the command on ``count`` studies in a process of its own."""
    studies, out = home / f"in{count}", home / f"out{count}"
    multiply(pool, studies, count)
    command = ["scan", str(studies), "--out", str(out), "--model", model, "--device", "cpu"]
    subprocess.run(
        [sys.executable, "-m", "ich_cli", *command, "--threads", str(threads), "--quiet"],
        check=False,
    )
    run = json.loads((out / "run.json").read_text(encoding="utf-8"))
    if run["counts"]["new"] != count:
        raise SystemExit(f"{run['counts']['new']} of {count} studies were scanned")
    return Memory(count, float(run["peak_rss_mb"]), float(run["wall_s"]))


def multiply(pool: Path, folder: Path, count: int) -> None:
    """Copy the studies of ``pool`` until there are ``count``, each with UIDs of its own."""
    from pydicom import dcmread

    homes = sorted(path for path in pool.iterdir() if path.is_dir())
    for number in range(count):
        home = homes[number % len(homes)]
        for path in sorted(home.rglob("*.dcm")):
            dataset = dcmread(path)
            for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
                setattr(dataset, name, f"{getattr(dataset, name)[:50]}.{number + 1}")
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            to = folder / f"{number:04d}" / path.relative_to(home)
            to.parent.mkdir(parents=True, exist_ok=True)
            dataset.save_as(to)


def table(model: str, threads: int, speed: Speed, memory: list[Memory]) -> str:
    """The figures as Markdown."""
    name = Path(model).stem
    lines = [
        f"Model `{name}`, {threads} CPU thread(s), {speed.slices} slices a scan.",
        "",
        "| figure | value |",
        "|---|---|",
        f"| wall ÷ bare `session.run` | {speed.wall_s / speed.bare_s:.2f} |",
        *(f"| share of time: {stage} | {share:.0%} |" for stage, share in speed.shares.items()),
        f"| seconds a scan, this machine | {speed.wall_s:.2f} |",
    ]
    if memory:
        first, last = memory[0], memory[-1]
        ratio = last.peak_rss_mb / first.peak_rss_mb
        pace = (last.wall_s / last.studies) / (first.wall_s / first.studies)
        lines += [
            f"| peak RSS at {last.studies} studies ÷ at {first.studies} | {ratio:.2f} |",
            f"| seconds a scan at {last.studies} ÷ at {first.studies} | {pace:.2f} |",
            f"| peak RSS at {last.studies} studies, MB | {last.peak_rss_mb:.0f} |",
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
