"""Our networks and BLAST-CT on the same scans: simulated, one large bleed, and natural ones.

    python -m benchmarks.peer --data ../shared/data --work FOLDER [--simulated N] [--jobs N]

Answers are kept in FOLDER by weights and case, so a run goes on where it was stopped. So are
simulated scans, 4 MB each. What BLAST-CT says of them, which takes three quarters of an hour of a
core, is kept in ``benchmarks/blast_answers.jsonl`` (its lines of FOLDER's ``answers.jsonl``).
``--jobs`` reads so many scans at a time, each on one core; ``--models`` without names leaves
our own networks out.
Writes ``benchmarks/peer.md``.

On Linux ``MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184`` spares
BLAST-CT a third of its time: its arrays need not be mapped anew for each layer.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.json_lines import read_rows
from benchmarks.peer_answers import answer_key, work
from benchmarks.peer_cases import ONE, Case, clinical, keep
from benchmarks.peer_page import page
from benchmarks.peer_readers import Blast, Ours, Reader
from benchmarks.simulated_cases import simulated

KEPT = Path(__file__).with_name("blast_answers.jsonl")


def seconds_side_by_side(case: Case, readers: Sequence[Reader]) -> dict[str, float]:
    """CPU seconds of each reader on one scan, one after the other in this process."""
    volume, _ = case.make()
    return {reader.name: reader.read(volume).seconds for reader in readers}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--simulated", type=int, default=60, help="how many simulated scans")
    parser.add_argument("--models", nargs="*", default=["resnet", "vit"])
    parser.add_argument("--jobs", type=int, default=1, help="scans that are read at a time")
    parser.add_argument("--no-blast", action="store_true", help="leave BLAST-CT out")
    parser.add_argument("--read-only", action="store_true", help="no timing and no table")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/peer.md"))
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    readers: list[Reader] = []
    if not args.no_blast:
        readers.append(Blast.load(args.data / "blast_ct" / "model_1.pt"))
    readers += [Ours.load(name) for name in args.models]
    made = (keep(c, args.work / "volumes") for c in simulated(args.data, args.simulated))
    cases = [*clinical(args.data), *made]
    rows_file = args.work / "answers.jsonl"
    known = read_rows(KEPT)
    work(cases, readers, rows_file, args.jobs, known)
    if args.read_only:
        return
    wanted = {(case.group, case.name) for case in cases}
    keys = {(reader.name, reader.key) for reader in readers}
    rows = [
        r
        for r in {answer_key(r): r for r in (*known, *read_rows(rows_file))}.values()
        if (r["group"], r["case"]) in wanted and (r["reader"], r["key"]) in keys
    ]
    names = [reader.name for reader in readers]
    rows.sort(key=lambda row: names.index(row["reader"]))
    one = next(case for case in cases if case.group == ONE)
    seconds = seconds_side_by_side(one, readers)
    args.out.write_text(page(rows, seconds, {r.name: r.key for r in readers}), encoding="utf-8")


if __name__ == "__main__":
    main()
