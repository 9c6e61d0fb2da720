"""A run's output folder as ``ich scan --html`` and ``ich evaluate`` leave it, made quickly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ich_cli.domain import Volume, file_stem
from ich_cli.evaluation.evaluate import evaluate
from ich_cli.evaluation.layouts import load_labels
from ich_cli.evaluation.match import match
from ich_cli.evaluation.presence import Resampling
from ich_cli.evaluation.results import load_results
from ich_cli.evaluation.store import to_json
from ich_cli.reports.slice_images import SliceImages
from tests.evaluation.simulated import SimScan, records, simulate, unread, write_labels

ATTACK = "<script>window.hacked = 1</script>\"'><img src=x onerror='window.hacked=2'>"


def head(n_slices: int = 6, *, size: int = 96, seed: int = 0) -> Volume:
    """A disc of brain in a ring of skull, one bright spot in the middle slices."""
    y, x = np.mgrid[:size, :size] - size / 2
    radius = np.hypot(x, y) / size
    plane = np.where(radius < 0.38, 35.0, np.where(radius < 0.42, 900.0, -1000.0))
    hu = np.repeat(plane[None], n_slices, axis=0).astype(np.float32)
    hu += np.random.default_rng(seed).normal(0, 3, hu.shape).astype(np.float32)
    spot = np.hypot(x - 15, y) < 8
    hu[2:5, spot] = 65
    return Volume(
        hu=hu,
        spacing_mm=(5.0, 2.0, 2.0),
        slice_mm=np.full(n_slices, 5.0, np.float32),
        positions_mm=np.stack([np.array([0.0, 0.0, 5.0 * k]) for k in range(n_slices)]),
        affine=np.eye(4),
        sop_uids=tuple(f"1.{k}" for k in range(n_slices)),
    )


def labels(volume: Volume, value: int) -> np.ndarray:
    return np.where(volume.hu > 55, value, 0).astype(np.uint8) * (volume.hu < 100)


def write_run(
    folder: Path, n: int = 12, *, images: bool = True, attack: bool = True
) -> list[dict[str, Any]]:
    """Write results.json, pictures, run.json and evaluation.json; give the records."""
    scans: list[SimScan] = [*simulate(n), unread()]
    rows = records(scans)
    rows[0]["flags"] = ["uneven_spacing"]
    rows[0]["flag_details"] = {"uneven_spacing": "1.1 to 5.4 mm"}
    if attack:
        rows[0]["patient_id"] = ATTACK
        rows[0]["series_description"] = "</script><script>window.hacked = 3</script>"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(rows))
    truth = load_labels(write_labels(scans, folder / "labels.csv"))
    matched = match(load_results(folder), truth)
    (folder / "evaluation.json").write_text(to_json(evaluate(matched, Resampling(draws=50))))
    run = {
        "ich_version": "0.1.0",
        "started": "2024-01-01T10:00:00",
        "model": {"name": "resnet", "sha256": "a" * 64},
    }
    (folder / "run.json").write_text(json.dumps(run))
    if images:
        writer, volume = SliceImages(folder), head()
        for k, scan in enumerate(scans[:-1]):
            name = file_stem(scan.study_uid, scan.series_uid, 0)
            marks = labels(volume, 1 + k % 5) if k % 3 == 0 else None
            writer.write(name, volume, marks, key_slice=3)
    return rows
