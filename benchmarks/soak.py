"""Many studies through ``ich watch``, their files in random order and in pieces.

``python -m benchmarks.soak`` starts the real command, feeds its folder as an archive would
on a bad day, and checks what came out: none lost, none doubled, each with all its slices
and the right answer, and no growth of memory. The network is a toy that takes no time, so
that what is measured is everything around it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import readme
from tests.quick import slices_of, write_quick_network, write_templates

OPEN_STUDIES = 6
MAX_AHEAD = 40
PATIENCE_S = 300.0
LATE_SHARE = 0.03
WARM_AFTER = 100
ALLOWED_GROWTH = 1.10


@dataclass
class Arriving:
    """A study on its way: what is still to come, in random order."""

    number: int
    folder: Path
    files: list[tuple[str, bytes]]
    late: list[tuple[str, bytes]] = field(default_factory=list)


@dataclass
class Memory:
    """Resident memory of the command and its decoder, by studies done."""

    samples: list[tuple[int, float, float]] = field(default_factory=list)

    def sample(self, pid: int, done: int) -> None:
        """Note what the command takes now, after ``done`` studies."""
        tree = [pid, *children(pid)]
        sizes = [resident_mib(each) for each in tree]
        if sizes[0]:
            self.samples.append((done, sizes[0], sum(sizes)))

    def around(self, done: int, column: int) -> float:
        """Mean of the ten samples from ``done`` studies on."""
        after = [sample[column] for sample in self.samples if sample[0] >= done][:10]
        return sum(after) / len(after)

    def at_end(self, column: int) -> float:
        """Mean of the last ten samples."""
        last = [sample[column] for sample in self.samples][-10:]
        return sum(last) / len(last)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--settle", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument("--write", action="store_true", help="write the figures to the README")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ich-soak-") as name:
        figures = soak(Path(name), arguments.studies, arguments.settle, arguments.seed)
    text = table(figures)
    print(text)
    if arguments.write:
        readme.put("soak", text)
    if figures["problems"]:
        sys.exit(1)


def soak(root: Path, count: int, settle_s: float, seed: int) -> dict[str, Any]:
    draw = random.Random(seed)
    card, templates = write_quick_network(root / "net"), write_templates(root / "templates")
    inbox, out, outside = root / "in", root / "out", root / "outside"
    inbox.mkdir()
    outside.mkdir()
    command = [
        *(sys.executable, "-m", "ich_cli", "watch", inbox, "--out", out, "--model", card),
        *("--settle", settle_s, "--threads", 1, "--device", "cpu", "--quiet"),
        *("--until-idle", 6 * settle_s + 20, "--log-file", root / "log"),
    ]
    memory, began = Memory(), time.monotonic()
    with subprocess.Popen([str(part) for part in command]) as process:
        while not (out / "health.json").exists():
            time.sleep(0.1)
        next_sample = 0.0
        how_many = partial(finished, out)
        for fed in feed(inbox, outside, templates, count, how_many, draw):
            while True:
                done = finished(out)
                if time.monotonic() >= next_sample:
                    memory.sample(process.pid, done)
                    next_sample = time.monotonic() + 1.0
                if process.poll() is not None or fed - done <= MAX_AHEAD:
                    break
                time.sleep(0.1)
        while process.poll() is None:
            memory.sample(process.pid, finished(out))
            time.sleep(1.0)
    seconds = time.monotonic() - began
    return judge(out, templates, count, memory, seconds, process.returncode)


def feed(
    inbox: Path,
    outside: Path,
    templates: list[Path],
    count: int,
    done: Callable[[], int],
    draw: random.Random,
) -> Iterator[int]:
    """Put files into the folder; yields the number of studies begun after each file."""
    waiting, late, begun = list[Arriving](), list[Arriving](), 0
    while begun < count or waiting:
        while len(waiting) < OPEN_STUDIES and begun < count:
            waiting.append(arriving(inbox, templates, begun, draw))
            begun += 1
        study = draw.choice(waiting)
        name, data = study.files.pop()
        deliver(study.folder / name, data, outside, draw)
        if not study.files:
            waiting.remove(study)
            late += [study] if study.late else []
        while late and done() > late[0].number + 2 * MAX_AHEAD:
            deliver_all(late.pop(0), outside, draw)
        yield begun
    end = time.monotonic() + PATIENCE_S
    while done() < count and time.monotonic() < end:
        time.sleep(0.5)
    for study in late:
        deliver_all(study, outside, draw)


def deliver_all(study: Arriving, outside: Path, draw: random.Random) -> None:
    """The slices that come when the study has long been scanned without them."""
    for name, data in study.late:
        deliver(study.folder / name, data, outside, draw)


def arriving(inbox: Path, templates: list[Path], number: int, draw: random.Random) -> Arriving:
    slices = slices_of(templates[number % len(templates)], number)
    # Every fourth study comes without a folder of its own.
    flat = number % 4 == 3
    folder = inbox if flat else inbox / f"{number:05d}"
    files = [(f"{number:05d}-{name}" if flat else name, data) for name, data in slices.items()]
    draw.shuffle(files)
    late = 2 if draw.random() < LATE_SHARE else 0
    return Arriving(number, folder, files[late:], files[:late])


def deliver(path: Path, data: bytes, outside: Path, draw: random.Random) -> None:
    """One file, in one of the ways in which archives write."""
    path.parent.mkdir(exist_ok=True)
    way = draw.random()
    if way < 0.5:
        path.write_bytes(data)
    elif way < 0.7:
        cut = draw.randrange(len(data))
        with path.open("wb") as file:
            file.write(data[:cut])
            file.flush()
            time.sleep(0.01)
            file.write(data[cut:])
    elif way < 0.85:
        partial = path.with_name(path.name + ".part")
        partial.write_bytes(data)
        partial.rename(path)
    else:
        elsewhere = outside / path.name
        elsewhere.write_bytes(data)
        elsewhere.rename(path)


def judge(
    out: Path, templates: list[Path], count: int, memory: Memory, seconds: float, code: int
) -> dict[str, Any]:
    rows = json.loads((out / "results.json").read_text())
    lines = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    studies = Counter(row["study_uid"] for row in rows)
    n_slices = len(list(templates[0].iterdir()))
    expected = Counter("positive" if n % len(templates) == 1 else "negative" for n in range(count))
    problems = []
    if code != 0:
        problems.append(f"exit code {code}")
    if len(studies) != count:
        problems.append(f"{count - len(studies)} studies lost")
    if max(studies.values(), default=0) > 1 or len(lines) != len(rows):
        problems.append("rows doubled")
    if scans_made(out) <= count:
        problems.append("no study was opened again by a late slice")
    if any(row["files"]["used"] != n_slices for row in rows):
        problems.append("studies without all their slices")
    if Counter(row["status"] for row in rows) != expected:
        problems.append(f"answers {dict(Counter(row['status'] for row in rows))}")
    warm = min(WARM_AFTER, count // 2)
    growth = memory.at_end(1) / memory.around(warm, 1)
    if growth > ALLOWED_GROWTH:
        problems.append(f"memory grew to {growth:.2f}")
    return {
        "studies": count,
        "files": count * n_slices,
        "rows": len(rows),
        "seconds": seconds,
        "scans": scans_made(out),
        "warm": warm,
        "rss_100": memory.around(warm, 1),
        "rss_end": memory.at_end(1),
        "growth": growth,
        "tree_100": memory.around(warm, 2),
        "tree_end": memory.at_end(2),
        "problems": problems,
    }


def scans_made(out: Path) -> int:
    """Scans the watcher finished; more than rows, where late slices reopened studies."""
    total = 0.0
    for line in (out / "metrics.prom").read_text().splitlines():
        if line.startswith("ich_scans_total{"):
            total += float(line.rsplit(" ", 1)[1])
    return int(total)


def finished(out: Path) -> int:
    try:
        return int(json.loads((out / "health.json").read_text())["studies_done"])
    except (OSError, ValueError, KeyError):
        return 0


def resident_mib(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def table(figures: dict[str, Any]) -> str:
    verdict = "; ".join(figures["problems"]) or "none lost, none doubled, all answers right"
    return "\n".join(
        [
            "| | |",
            "|---|---|",
            f"| studies / files | {figures['studies']} / {figures['files']} |",
            f"| rows / scans made (late slices are scanned again) | "
            f"{figures['rows']} / {figures['scans']} |",
            f"| outcome | {verdict} |",
            f"| resident memory after {figures['warm']} studies, at the end | "
            f"{figures['rss_100']:.0f} MiB, {figures['rss_end']:.0f} MiB "
            f"(ratio {figures['growth']:.3f}) |",
            f"| the same with the decoder process | {figures['tree_100']:.0f} MiB, "
            f"{figures['tree_end']:.0f} MiB |",
            f"| wall time | {figures['seconds']:.0f} s |",
        ]
    )


if __name__ == "__main__":
    main()
