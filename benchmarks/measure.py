"""How well millilitres, side and region are measured when the mask is known.

``python -m benchmarks.measure LABELS_FOLDER`` simulates scans of the label maps that the
template was not built from, in all 48 storage orientations, tilted, turned, thick, thin,
uneven and cut off, gives the true mask (blurred, its outline disturbed) as the network's
answer, and writes ``benchmarks/measure.md``. The network itself is not judged here.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.json_lines import append_row, read_rows
from benchmarks.measure_scanner import scan
from benchmarks.measure_table import table
from benchmarks.measure_volume import other_ml
from ich_cli.domain import SUBTYPES, Subtype, Volume
from ich_cli.findings.assess import Judged, judge
from ich_cli.findings.atlas import load_atlas
from ich_cli.findings.lesions import points_of
from ich_cli.findings.midline import Midplane
from ich_cli.findings.policy import Policy
from training.anatomy.label_map import held_out, load_label_map
from training.simulation.bleeds import draw_bleed
from training.simulation.head import Head
from training.simulation.scanner import Scanner

AXES = tuple((o, s) for o in permutations(range(3)) for s in product((1, -1), repeat=3))
SUBTYPE_SHARE = (0.1, 0.45, 0.12, 0.15, 0.18)
SPACINGS: dict[str, tuple[float, float]] = {
    "1.25": (1.25, 1.25),
    "2.5": (2.5, 2.5),
    "5": (5.0, 5.0),
    "2.5+5": (2.5, 5.0),
    "7.5": (7.5, 7.5),
}
SPACING_SHARE = (0.1, 0.25, 0.4, 0.15, 0.1)
COVER = {"whole": (-75.0, 88.0), "no vertex": (-75.0, 45.0), "no base": (-35.0, 88.0)}
COVER_SHARE = (0.8, 0.1, 0.1)


def draw_scanner(number: int, rng: np.random.Generator) -> tuple[Scanner, str, str]:
    """A random way to scan; orientations are gone through in turn."""
    spacing = str(rng.choice(list(SPACINGS), p=SPACING_SHARE))
    cover = str(rng.choice(list(COVER), p=COVER_SHARE))
    low, high = COVER[cover]
    thin, thick = SPACINGS[spacing]
    middle = (low + high) / 2 if thin != thick else high
    depths = np.concatenate([np.arange(low, middle, thin), np.arange(middle, high, thick)])
    axes = AXES[number % len(AXES)]
    # Slices follow the third stored axis; only an axial stack covers part of the height.
    if axes[0][2] != 2:
        depths = np.arange(-105.0, 106.0, thick)
        cover = "whole"
    pixel = float(rng.uniform(2.0, 2.4))
    extent = 240.0
    scanner = Scanner(
        depths_mm=depths if axes[1][2] > 0 else -depths[::-1],
        pixel_mm=(pixel, pixel * float(rng.choice([1.0, 1.0, 0.8]))),
        matrix=(int(extent / pixel), int(extent / pixel)),
        tilt_deg=float(rng.choice([0.0, rng.uniform(-22, 22)])) if axes[0][2] == 2 else 0.0,
        turn_deg=(float(rng.normal(0, 8)), float(rng.normal(0, 5)), float(rng.normal(0, 9))),
        axes=axes,
        thickness_mm=thick,
    )
    return scanner, spacing, cover


def run_head(task: tuple[Path, list[int], Path]) -> None:
    """Measure some bleeds in one head; one JSON line each, as they are done."""
    file, numbers, out = task
    edges = load_atlas().edges_mm
    head = Head.of(load_label_map(file), edges)
    for number in numbers:
        rng = np.random.default_rng(number)
        subtype = SUBTYPES[int(rng.choice(len(SUBTYPES), p=SUBTYPE_SHARE))]
        most = {Subtype.IVH: 25.0, Subtype.SAH: 40.0}.get(subtype, 80.0)
        ml = float(np.exp(rng.uniform(np.log(2.0), np.log(most))))
        truth = draw_bleed(head, subtype, ml, rng)
        scanner, spacing, cover = draw_scanner(number, rng)
        volume, prediction, seen = scan(head, truth, scanner, rng)
        policy = Policy(pooling="rank", rank=1)
        start = time.process_time()
        judged = judge(volume, prediction, policy)
        seconds = time.process_time() - start
        got = judged.assessment
        finding = got.findings[SUBTYPES.index(subtype)]
        thick = got.measurements.get(f"max_thickness_mm_{subtype.value.lower()}")
        values = {name: one.value for name, one in got.measurements.items()}
        row: dict[str, Any] = {
            "number": number,
            "head": file.name,
            "subtype": subtype.value,
            "spacing": spacing,
            "cover": cover,
            "axes": str(scanner.axes),
            "true_ml": seen.ml,
            "drawn_ml": truth.ml,
            "ml": finding.ml.value if finding.ml else None,
            "low": finding.ml.low if finding.ml else None,
            "high": finding.ml.high if finding.ml else None,
            "other_ml": other_ml(volume, prediction, policy, subtype),
            "plane_error": plane_error(judged, seen.plane, volume),
            "true_side": truth.side.value,
            "side_is_clear": truth.side_is_clear,
            "side": got.side.value if got.side else None,
            "true_region": truth.region,
            "true_share": truth.region_share,
            "named_share": truth.shares.get(next(iter(finding.regions), ""), 0.0),
            "region": next(iter(finding.regions), None),
            "true_thickness": truth.thickness_mm,
            "thickness": thick.value if thick else None,
            "abc2": values.get("abc2_ml"),
            "shift": values.get("midline_shift_mm"),
            "flags": list(got.flags),
            "seconds": seconds,
        }
        append_row(out, row)


def plane_error(judged: Judged, true: Midplane, volume: Volume) -> dict[str, float] | None:
    """How far the found middle plane is off: degrees, and millimetres at the bleed."""
    if judged.place is None or judged.place.plane is None or judged.labels is None:
        return None
    found = judged.place.plane
    points = points_of(judged.labels > 0, volume).points
    angle = np.arccos(np.clip(found.normal @ true.normal, -1.0, 1.0))
    gap = np.mean(found.left_mm(points) - true.left_mm(points))
    return {"degrees": float(np.degrees(angle)), "mm": float(abs(gap))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labels", type=Path, help="folder with training_seg_*.nii.gz")
    parser.add_argument("--cases", type=int, default=216)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--rows", type=Path, default=Path("measure.jsonl"), help="scans in it are not done again"
    )
    parser.add_argument("--out", type=Path, default=Path("benchmarks/measure.md"))
    args = parser.parse_args()
    done = {row["number"] for row in read_rows(args.rows)}
    files = held_out(args.labels)
    each = args.cases // len(files)
    tasks = [
        (file, [n for n in range(k * each, (k + 1) * each) if n not in done], args.rows)
        for k, file in enumerate(files)
    ]
    with ProcessPoolExecutor(args.workers) as pool:
        list(pool.map(run_head, tasks))
    args.out.write_text(table(read_rows(args.rows)), encoding="utf-8")


if __name__ == "__main__":
    main()
