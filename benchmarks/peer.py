"""Our networks and BLAST-CT on the same scans: simulated, one large bleed, and natural ones.

    python -m benchmarks.peer --data ../shared/data --work FOLDER [--simulated N]

Answers are kept in FOLDER by weights and case, so a run goes on where it was stopped; new
weights have their turn and BLAST-CT is not run again. So are simulated scans, 4 MB each.
Writes ``benchmarks/peer.md``.

On Linux ``MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184`` spares
BLAST-CT a third of its time: its arrays need not be mapped anew for each layer.
"""

from __future__ import annotations

import argparse
import json
import pickle
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peer_cases import ONE, Case, clinical
from benchmarks.peer_page import page
from benchmarks.peer_readers import Blast, Ours, Reader
from benchmarks.simulated_cases import simulated
from ich_cli.domain import Volume

Row = dict[str, Any]


def work(cases: Iterable[Case], readers: Sequence[Reader], out: Path) -> None:
    """Read what has not been read, one JSON line an answer, as they are made."""
    done = {(r["group"], r["case"], r["reader"], r["key"]) for r in read_rows(out)}
    for case in cases:
        missing = [r for r in readers if (case.group, case.name, r.name, r.key) not in done]
        if missing:
            volume, truth = case.make()
            for reader in missing:
                add_row(out, case, reader, asdict(reader.read(volume)), truth)


def keep(case: Case, folder: Path) -> Case:
    """The same case, its volume stored once made (whole HU): simulating costs more than reading."""
    path = folder / f"{case.name}.pickle"

    def make() -> tuple[Volume, Row]:
        if path.is_file():
            volume, truth = pickle.loads(path.read_bytes())
        else:
            volume, truth = case.make()
            volume = replace(volume, hu=volume.hu.astype(np.int16))
            folder.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_bytes(pickle.dumps((volume, truth)))
            part.replace(path)
        return replace(volume, hu=volume.hu.astype(np.float32)), truth

    return replace(case, make=make)


def add_row(out: Path, case: Case, reader: Reader, answer: Row, truth: Row) -> None:
    """Append one answer."""
    row = {"group": case.group, "case": case.name, "reader": reader.name, "key": reader.key}
    with out.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(row | {"truth": truth} | answer) + "\n")


def read_rows(path: Path) -> list[Row]:
    """Rows of earlier runs, none when there is no file; a line cut short is left out."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return [json.loads(line) for line in text.splitlines() if line.endswith("}")]


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
    parser.add_argument("--no-blast", action="store_true", help="leave BLAST-CT out")
    parser.add_argument("--read-only", action="store_true", help="no timing and no table")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/peer.md"))
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    readers: list[Reader] = [Ours.load(name) for name in args.models]
    if not args.no_blast:
        readers.append(Blast.load(args.data / "blast_ct" / "model_1.pt"))
    made = (keep(c, args.work / "volumes") for c in simulated(args.data, args.simulated))
    cases = [*clinical(args.data), *made]
    rows_file = args.work / "answers.jsonl"
    work(cases, readers, rows_file)
    if args.read_only:
        return
    wanted = {(case.group, case.name) for case in cases}
    keys = {(reader.name, reader.key) for reader in readers}
    rows = [
        r
        for r in read_rows(rows_file)
        if (r["group"], r["case"]) in wanted and (r["reader"], r["key"]) in keys
    ]
    one = next(case for case in cases if case.group == ONE)
    seconds = seconds_side_by_side(one, readers)
    args.out.write_text(page(rows, seconds, {r.name: r.key for r in readers}), encoding="utf-8")


if __name__ == "__main__":
    main()
