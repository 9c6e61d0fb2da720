"""Write the card of a network that was trained on the RSNA 2019 layout.

    python -m training.site_card NAME --arch resnet50 --cache CACHE --weights FOLDER

Run after ``training.export``. Scans of the held-out fold are read out of the shards and
through ``ich_cli.load_model(...)``, as a user's are; they give calibration, thresholds and
figures. With too few of them the card stays provisional and says so.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import pandas as pd

from ich_cli.models.model import Model
from training.card import base_card, dump
from training.data.pictures import open_shard
from training.data.sources import LABEL_COLUMNS
from training.judging import calibration
from training.judging.figures import slice_figures
from training.judging.heldout import Prediction, open_network
from training.nets.build import ARCHITECTURES
from training.splits import HOLDOUT

ENOUGH = 20
"""So many held-out scans with blood, and without, are needed to calibrate."""

TOLD_EVERY = 50
"""Scans read between two lines of progress: a thousand take one core the better part of an hour."""

ABOUT = {
    "resnet": "ResNet-50 with a feature pyramid; slice score pooled from local logits.",
    "vit": "DINOv2 ViT-S/14 with a mask decoder; slice score pooled from local logits.",
    "resnet50": "Plain ResNet-50, averaged, one linear layer. Location from class-activation "
    "maps; no volume.",
    "vit_b16": "Plain ViT-B/16, averaged over its patches, one linear layer. Location from "
    "class-activation maps; no volume.",
}
PROVISIONAL = (
    "PROVISIONAL: neither calibrated nor measured; `ich calibrate` fits it to labelled scans."
)


def write(name: str, arch: str, cache: Path, weights: Path, holdout: int, scans: int) -> Path:
    """Write ``<name>.yaml`` beside ``<name>.onnx``; returns its path."""
    content = (weights / f"{name}.onnx").read_bytes()
    graph = onnx.load_from_string(content).graph
    size = graph.input[0].type.tensor_type.shape.dim[2].dim_value
    there = [output.name for output in graph.output]
    card = {
        **base_card(name, hashlib.sha256(content).hexdigest(), size),
        "outputs": {output: output for output in there},
        "training_data": ["RSNA 2019 intracranial haemorrhage challenge (Flanders 2020)"],
        "splits": "five folds by a keyed hash of the patient (training/splits.py); fold "
        f"{holdout} was never trained on",
        "known_failures": [],
        "notes": f"{ABOUT[arch]} {PROVISIONAL}",
    }
    path = weights / f"{name}.yaml"
    dump(path, card)
    raw = held_out(open_network(str(path)), cache, holdout, scans)
    bleeds = raw.table.groupby("patient")["any"].max() if len(raw.table) else pd.Series(dtype=int)
    if min((bleeds == 1).sum(), (bleeds == 0).sum()) < ENOUGH:
        return path
    card["calibration"] = calibration.fit(raw)
    found = calibration.applied(raw, card["calibration"])
    card["thresholds"] = {
        "slice": calibration.slice_thresholds(found),
        "scan": calibration.scan_thresholds(
            found, calibration.scan_table(found, card["scan"]["rank"])
        ),
    }
    card["metrics"] = {"held-out fold, by slice": slice_figures(found, ["rsna_scans"])}
    card["notes"] = ABOUT[arch]
    dump(path, card)
    return path


def held_out(network: Model, cache: Path, holdout: int, scans: int) -> Prediction:
    """What the network says of up to ``scans`` labelled stacks of the fold.

    A stack counts as a patient's scan of :mod:`training.data.sources`' ``rsna_scans``.
    """
    table = pd.read_csv(cache / "index.csv")
    table = table[(table.fold == holdout) & (table["any"] >= 0)]
    parts, probs = [], []
    chosen = sorted(table["stack"].unique(), key=_shuffled)[:scans]
    for done, name in enumerate(chosen):
        if done % TOLD_EVERY == 0:
            print(json.dumps({"scans read": done, "of": len(chosen)}), flush=True)
        part = table[table["stack"] == name].sort_values("index")
        pixels = open_shard(cache, int(part["shard"].iloc[0]))
        hu = pixels[part["row"].to_numpy()].astype(np.float32) * (80.0 / 255.0)
        mm = float(part["frame_mm"].iloc[0])
        probs.append(network.predict(hu, (float(part["spacing_mm"].iloc[0]), mm, mm)).probs)
        labels = part[["index", *LABEL_COLUMNS]]
        parts.append(labels.assign(source="rsna_scans", patient=str(name)))
    if not parts:
        return Prediction(pd.DataFrame(columns=list(LABEL_COLUMNS)), np.zeros((0, 6)))
    return Prediction(pd.concat(parts, ignore_index=True), np.concatenate(probs))


def _shuffled(name: str) -> str:
    """An order that has nothing to do with patients, the same on every machine."""
    return hashlib.sha256(name.encode()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--arch", choices=ARCHITECTURES, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--holdout", type=int, default=HOLDOUT)
    parser.add_argument("--scans", type=int, default=1000, help="held-out scans to read at most")
    args = parser.parse_args()
    print(write(args.name, args.arch, args.cache, args.weights, args.holdout, args.scans))


if __name__ == "__main__":
    main()
