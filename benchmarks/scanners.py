"""The same slices as other scanners would have shown them: how steady the networks are.

``python -m benchmarks.scanners DATA`` lets the shipped networks read slices of the held-out fold as
they are and with another scale of grey, window, noise or kernel
(:mod:`benchmarks.scanner_looks`), and writes ``benchmarks/scanners.md``. Of the lone natural slices
all that bleed are read and the first ``CLEAR`` others, of CT-ICH all stacks.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import ich_cli
from benchmarks.scanner_looks import LOOKS, Look, Slices
from ich_cli.evaluation.discrimination import delong_interval, delong_test
from ich_cli.models.model import Model
from training.data import sources
from training.data.sets import LONE
from training.data.sources import Stack
from training.judging.heldout import ASSUMED_SLICE_MM
from training.splits import HOLDOUT, fold_of

CLEAR = 150
"""So many lone slices without blood are read."""

INTRO = """# The same slices on other scanners

Made by `python -m benchmarks.scanners`. Slices of the fold that no training saw ({lone} lone
natural slices, {blood} of which bleed, and {stacked} slices of {stacks} CT-ICH stacks), as they
are and as another scanner or export would show them ([`scanner_looks.py`](scanner_looks.py)).
AUC of any blood, with p by DeLong against the slices as they are, clustered by patient;
sensitivity and specificity at the slice threshold of the card, which was fitted on slices as
they are. The slices hold 0 to 80 HU and the noise of their own scanners; what a look adds comes
on top. Research use only; not a medical device.
"""
COLUMNS = "look | natural AUC | p | sensitivity | specificity | CT-ICH AUC | p"


@dataclass(frozen=True)
class Answers:
    """Of one look: ``(n,)`` probability of any blood, whether there is, and whose slice it is."""

    probability: NDArray[np.float64]
    blood: NDArray[np.bool_]
    patient: NDArray[np.str_]


def chosen(data: Path) -> tuple[list[Stack], list[Stack]]:
    """Lone natural slices and CT-ICH stacks of the fold."""
    lone: list[Stack] = []
    stacks: list[Stack] = []
    clear = 0
    for stack in sources.read_all(data):
        if fold_of(stack.patient) != HOLDOUT:
            continue
        if stack.source == "ctich":
            stacks.append(stack)
        elif stack.source in LONE:
            bleeds = stack.slices[0].labels[0] == 1
            clear += not bleeds
            if bleeds or clear <= CLEAR:
                lone.append(stack)
    return lone, stacks


def read(network: Model, stacks: Sequence[Stack], look: Look) -> Answers:
    """What ``network`` says of every slice, shown as ``look`` has it."""
    said, blood, patient = [], [], []
    for stack in stacks:
        hu = np.stack([item.hu for item in stack.slices]).astype(np.float32)
        shown = look(Slices(hu, stack.pixel_mm))
        spacing = (ASSUMED_SLICE_MM, shown.pixel_mm, shown.pixel_mm)
        said.append(network.predict(shown.hu, spacing, lazy_masks=True).probs[:, 0])
        blood += [item.labels[0] == 1 for item in stack.slices]
        patient += [stack.patient] * len(stack.slices)
    return Answers(np.concatenate(said).astype(np.float64), np.array(blood), np.array(patient))


def cells(found: Answers, plain: Answers) -> list[str]:
    """AUC with its interval, and p against the slices as they are."""
    area = delong_interval(found.blood, found.probability, clusters=found.patient)
    shown = f"{area.value:.3f} ({area.low:.3f}–{area.high:.3f})"
    if found is plain:
        return [shown, ""]
    test = delong_test(found.blood, found.probability, plain.probability, clusters=found.patient)
    return [shown, f"{test.p:.3f}" if test.p >= 0.001 else "<0.001"]


def rows(
    network: Model, sets: tuple[list[Stack], list[Stack]], tell: Callable[[str], None]
) -> list[str]:
    """A line of the table for each look."""
    threshold = network.card.thresholds.slice[0]
    lines: list[str] = []
    plain: tuple[Answers, ...] = ()
    for name, look in LOOKS.items():
        lone, stacks = (read(network, each, look) for each in sets)
        plain = plain or (lone, stacks)
        called = lone.probability >= threshold
        rates = [called[lone.blood].mean(), 1 - called[~lone.blood].mean()]
        line = [name, *cells(lone, plain[0]), *(f"{rate:.2f}" for rate in rates)]
        lines.append(f"| {' | '.join([*line, *cells(stacks, plain[1])])} |")
        tell(lines[-1])
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", action="append", help="names; else resnet and vit")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/scanners.md"))
    args = parser.parse_args()
    sets = chosen(args.data)
    lone, stacks = sets
    counts = {
        "lone": len(lone),
        "blood": sum(int(one.slices[0].labels[0] == 1) for one in lone),
        "stacked": sum(len(one.slices) for one in stacks),
        "stacks": len(stacks),
    }
    page = [INTRO.format(**counts)]
    for name in args.model or ("resnet", "vit"):
        network = ich_cli.load_model(name, device="cpu")
        made = rows(network, sets, lambda line: print(line, flush=True))
        head = f"## {name} ({network.card.sha256[:16]})"
        page += [head, "", f"| {COLUMNS} |", "|---|---|---|---|---|---|---|", *made, ""]
    args.out.write_text("\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    main()
