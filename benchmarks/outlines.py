"""A network's masks against real outlines: their area summed in three ways, and their Dice.

``python -m benchmarks.outlines DATA`` lets the shipped networks read the slices of
``bhsd_mini`` (none was trained on them) and writes ``benchmarks/outlines.md``: voxels over the
threshold, the sum that ``ich`` reports, and the mask summed as it stands, as square
centimetres against the drawn area. Subtypes that are there count as called, so the amount is
judged and not the call; a slice where the network sees nothing counts as nothing. A second
table has the Dice of the masks as the network draws them and of those that follow edges.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import ich_cli
from ich_cli.domain import LABELS, FloatArray, Volume
from ich_cli.evaluation.volume_agreement import bland_altman, concordance
from ich_cli.findings.labels import resolve_labels
from ich_cli.findings.partial import partial_blood
from ich_cli.findings.policy import Policy, policy_of
from ich_cli.models.network import Network
from training.data import bhsd
from training.judging.heldout import dice, outlined

INTRO = (
    "The 36 slices of `bhsd_mini` with drawn outlines, one slice each as the network's whole "
    "input. The error is the network's: which pixels it sees as blood, and as which. How they "
    "are summed changes next to nothing, except that the mask as it stands cannot be summed at "
    "all. Made by `python -m benchmarks.outlines`."
)
EDGES = (
    "Mean Dice over the slices that have the label, each at the threshold of .05, .10 … .70 that "
    "is best for it, and how often the mask's peak lies in blood. `mask_edges_mm` of the card lets "
    "masks follow the edges of the picture (`ich_cli/models/edges.py`)."
)
WAYS = ("voxels over the threshold", "as measured", "plain sum of the mask")


def one_slice(hu: FloatArray) -> Volume:
    """A slice 10 mm thick, so that its millilitres are its square centimetres."""
    affine = np.diag([bhsd.PIXEL_MM, bhsd.PIXEL_MM, 10.0, 1.0])
    return Volume(
        hu[None],
        (10.0, bhsd.PIXEL_MM, bhsd.PIXEL_MM),
        np.array([10.0], np.float32),
        np.zeros((1, 3)),
        affine,
        ("1",),
    )


def areas(
    volume: Volume, masks: FloatArray, policy: Policy, there: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``(3, 6)`` cm² of all blood and each subtype by ``WAYS``; ``(2,)`` the range of all."""
    blood = resolve_labels(
        masks, volume, policy, tuple(bool(v) for v in there[1:]), np.ones(1, np.bool_)
    )
    partial = partial_blood(blood, masks, volume, policy)
    hard = volume.voxel_ml @ blood.area_px
    soft = partial.by_label(blood.labels)
    plain = float(volume.voxel_ml[0]) * np.asarray(masks[0], np.float64).sum(axis=(1, 2))
    typed = slice(1, len(LABELS))
    found = [np.concatenate([[each[1:].sum()], each[typed]]) for each in (hard, soft)]
    return np.stack([*found, plain]), np.array([partial.low.sum(), partial.high.sum()])


def read(name: str, data: Path) -> tuple[NDArray[np.float64], ...]:
    """True ``(n, 6)``, found ``(n, 3, 6)`` and range ``(n, 2)`` in cm²."""
    network = ich_cli.load_model(name, device="cpu")
    policy = policy_of(network.card)
    true, found, ranges = [], [], []
    for item in bhsd.slices(data):
        area = item.truth.sum(axis=(1, 2))
        volume = one_slice(item.hu)
        masks = network.predict(volume.hu, volume.spacing_mm).masks
        by_way, ends = areas(volume, masks, policy, area > 0)
        true.append(area * float(volume.voxel_ml[0]))
        found.append(by_way)
        ranges.append(ends)
    return np.array(true), np.array(found), np.array(ranges)


def rows(name: str, data: Path) -> list[str]:
    """Lines of the table for one network, and one on its ranges."""
    true, found, ranges = read(name, data)
    lines = []
    for label, what in enumerate(("all blood", *LABELS[1:])):
        there = true[:, label] > 0
        for way, words in enumerate(WAYS):
            got, want = found[there, way, label], true[there, label]
            limits = bland_altman(got, want)
            lines.append(
                f"| {name} | {what} | {words} | {limits.n} | {want.mean():.1f} "
                f"| {concordance(got, want).value:.2f} | {limits.bias.value:+.2f} "
                f"| {limits.lower.value:+.1f} … {limits.upper.value:+.1f} |"
            )
    inside = int(((ranges[:, 0] <= true[:, 0]) & (true[:, 0] <= ranges[:, 1])).sum())
    lines.append(f"| {name} | true area within the range | | {inside} of {len(true)} | | | | |")
    return lines


def edge_rows(name: str, data: Path) -> list[str]:
    """Lines of the second table: the masks of one network without and with their edges."""
    network = ich_cli.load_model(name, device="cpu")
    if not isinstance(network, Network):
        raise SystemExit(f"{name} is several networks; name its members")
    lines = []
    for reach_mm in dict.fromkeys((None, network.card.mask_edges_mm)):
        card = network.card.model_copy(update={"mask_edges_mm": reach_mm})
        found = outlined(replace(network, card=card), data)
        best = dice(found.overlap).max(axis=0)
        hits = f"{int(found.pointing.sum())} of {len(found.pointing)}"
        scores = " | ".join(f"{value:.3f}" for value in best)
        lines.append(f"| {name} | {reach_mm or 'as drawn'} | {scores} | {hits} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder that holds bhsd_mini")
    parser.add_argument("--model", action="append")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/outlines.md"))
    args = parser.parse_args()
    lines = [
        "# Area on real outlines",
        "",
        INTRO,
        "",
        "| network | blood | area by | n | true cm² | CCC | bias cm² | limits of agreement cm² |",
        "|---|---|---|---|---|---|---|---|",
    ]
    names = args.model or ("resnet", "vit")
    for name in names:
        lines += rows(name, args.data)
    lines += ["", "## Masks that follow edges", "", EDGES, ""]
    lines += [f"| network | edges, mm | any | {' | '.join(LABELS[1:])} | peak in blood |"]
    lines += ["|---|---|---|---|---|---|---|---|---|"]
    for name in names:
        lines += edge_rows(name, args.data)
    args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
