"""Networks and a recorded reader on the slices of ``bhsd_mini``: the tables of docs/comparison.md.

    python -m benchmarks.compare_bhsd [DATA] [--out DIR] [--model NAME ...]

Writes labels.csv and one results file a network to DIR; compare them with ``ich compare``.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import ich_cli
from ich_cli.domain import LABELS
from ich_cli.models.registry import list_cards
from training.data.bhsd import COLOURS, LARGEST_HU

DATA = Path(__file__).parents[2] / "shared" / "data" / "bhsd_mini"
PIXEL_MM = 0.49
MIN_PIXELS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=Path("out/bhsd"))
    parser.add_argument("--model", action="append")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    images = sorted((args.data / "images").glob("*.png"))
    write_labels(images, args.data / "masks", args.out / "labels.csv")
    for name in args.model or [card.stem for card in list_cards()]:
        write_results(images, name, args.out / f"{name}.json")


def truth_of(mask: NDArray[np.uint8]) -> dict[str, bool]:
    """Which subtypes a colour mask ``(y, x, 3)`` holds."""
    present = {
        name: int((np.abs(mask.astype(int) - colour).max(axis=2) < 64).sum()) >= MIN_PIXELS
        for name, colour in COLOURS.items()
    }
    return {"any": any(present.values()), **present}


def side_of(mask: NDArray[np.uint8], head: NDArray[np.bool_]) -> str:
    """Side of the blood about the middle of the head; image left is the patient's right."""
    columns = np.nonzero(head.any(axis=0))[0]
    middle = (columns[0] + columns[-1]) / 2
    where = np.nonzero((mask > 64).any(axis=2))[1]
    if where.size == 0:
        return ""
    left = float((where > middle).mean())
    return "left" if left > 0.85 else "right" if left < 0.15 else "bilateral"


def write_labels(images: list[Path], masks: Path, path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["slice_id", *LABELS, "side"])
        for image in images:
            mask = np.asarray(Image.open(masks / image.name).convert("RGB"))
            head = np.asarray(Image.open(image).convert("L")) > 20
            truth = truth_of(mask)
            side = side_of(mask, head)
            writer.writerow([image.stem, *(int(truth[label]) for label in LABELS), side])


def write_results(images: list[Path], name: str, path: Path) -> None:
    """One record a slice, as ``ich evaluate`` and ``ich compare`` read them."""
    network = ich_cli.load_model(name)
    records = []
    for image in images:
        grey = np.asarray(Image.open(image).convert("L"), np.float32)
        hu = grey / 255 * LARGEST_HU
        hu[grey == 0] = -1000  # the pictures hold nothing below water; outside is air
        probs = network.predict(hu[None], (5.0, PIXEL_MM, PIXEL_MM)).probs[0]
        scores = {label: round(float(p), 5) for label, p in zip(LABELS, probs, strict=True)}
        records.append(
            {
                "status": "positive" if scores["any"] >= 0.5 else "negative",
                "study_uid": image.stem[:3],
                "series_uid": image.stem,
                "patient_id": image.stem[:3],
                "probs": scores,
                "calls": {label: p >= 0.5 for label, p in scores.items()},
                "slices": [{"index": 0, "sop_uid": image.stem, "probs": scores}],
                "model": {"name": name, "sha256": network.card.sha256},
            }
        )
    path.write_text(json.dumps(records))


if __name__ == "__main__":
    main()
