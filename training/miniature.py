"""The way of a site with the whole RSNA 2019 data, in small: layout → shards → ONNX → scan.

    python -m training.miniature SCANS WORK --arch resnet50 [--patients 4]

``SCANS`` is the folder ``rsna_scans``. A few of its scans are laid out as the challenge hands
its data out; the networks train for three steps, which proves the plumbing and teaches
nothing. The card's scan thresholds are set to 0, so that the row is that of a called scan.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from training.data.rsna2019 import KINDS, LABEL_FILE
from training.data.sources import LABEL_COLUMNS

STEPS = 3


def choose(rows: list[dict[str, str]], patients: int) -> list[str]:
    """Patients to use, half of them with blood and these first: a sampler needs both."""
    bleeds = {row["patient"] for row in rows if row["any"] == "1"}
    everyone = sorted({row["patient"] for row in rows}, key=lambda p: (p not in bleeds, p))
    half = patients // 2
    return everyone[: patients - half] + (everyone[-half:] if half else [])


def lay_out(scans: Path, target: Path, chosen: list[str], slices: int | None = None) -> None:
    """Write the layout of the challenge from some of ``rsna_scans``.

    ``slices`` keeps so many of each scan, from the first with blood on.
    """
    rows = read_rows(scans)
    folder = target / "stage_2_train"
    folder.mkdir(parents=True)
    with (target / LABEL_FILE).open("w", newline="") as lines:
        table = csv.writer(lines)
        table.writerow(["ID", "Label"])
        for patient in chosen:
            mine = [row for row in rows if row["patient"] == patient]
            mine.sort(key=lambda row: int(row["index"]))
            first = next((k for k, row in enumerate(mine) if row["any"] == "1"), 0)
            for row in mine[first : first + slices] if slices else mine:
                source = scans / row["file"]
                shutil.copyfile(source, folder / source.name)
                for kind, column in zip(KINDS, LABEL_COLUMNS, strict=True):
                    table.writerow([f"{source.stem}_{kind}", row[column]])


def run(scans: Path, work: Path, arch: str, patients: int, size: int) -> dict:
    """All of the way; returns the row of ``results.csv`` that the scan ends in."""
    data, cache, trained = work / "data", work / "cache", work / "runs" / arch
    chosen = choose(read_rows(scans), patients)
    if not data.exists():
        lay_out(scans, data, chosen)
    _python("training.shards", data, cache, "--workers", 1)
    _python(
        *("training.train", arch, "--cache", cache, "--run", trained, "--size", size),
        *("--steps", STEPS, "--batch", 2, "--workers", 0, "--holdout"),
    )
    weights = work / "weights"
    options = ["--cache", cache]
    _python("training.export", trained / "last.pt", "--name", arch, *options, "--out", weights)
    _python("training.site_card", arch, "--arch", arch, *options, "--weights", weights)
    card = weights / f"{arch}.yaml"
    content = yaml.safe_load(card.read_text(encoding="utf-8"))
    content["thresholds"] = {"scan": 0.0}
    card.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    out = work / f"results-{arch}"
    model = weights / f"{arch}.onnx"
    _python("ich_cli", "scan", scans / chosen[0], "--out", out, "--device", "cpu", "--model", model)
    with (out / "results.csv").open(newline="", encoding="utf-8") as lines:
        return next(csv.DictReader(lines))


def read_rows(scans: Path) -> list[dict[str, str]]:
    with (scans / "labels.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def _python(module: str, *arguments: object) -> None:
    command = [sys.executable, "-W", "ignore", "-m", module, *map(str, arguments)]
    subprocess.run(command, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scans", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--arch", default="resnet50")
    parser.add_argument("--patients", type=int, default=4)
    parser.add_argument("--size", type=int, default=224)
    args = parser.parse_args()
    row = run(args.scans, args.work, args.arch, args.patients, args.size)
    print(json.dumps(row, indent=1))


if __name__ == "__main__":
    main()
