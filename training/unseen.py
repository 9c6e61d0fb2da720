"""How a network reads the scans of hospitals that its training never saw.

    python -m training.unseen CACHE --page FILE.md --network all RUNS/all/last.pt
        --network "no CT-ICH" RUNS/no-ctich/last.pt ctich

Each ``--network`` is what to call it, its checkpoint, and the sources that were left out of its
training (``training.train --without``). Every network reads the fold that none of them saw; of
the sources that it never saw it reads all folds.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterator
from pathlib import Path

import pandas as pd
import torch

from training import validate
from training.data.sets import SETS, STACKS
from training.evaluate import cell, write_page
from training.fivefold import RANK, out_of_fold
from training.judging.calibration import scan_table
from training.judging.figures import scan_auc, slice_figures
from training.judging.heldout import Prediction
from training.nets.build import make
from training.splits import HOLDOUT

PAGE = """# Hospitals that the training never saw

Made by `make other-hospitals`. The same short training of the ResNet (700 steps of 16 samples on
160 pixels, from public weights, no second opinions and no outlines, so that nothing of the
hospital left out comes in by another network) with all sources, without CT-ICH (Iraq), and without
all of RSNA (three countries, four centres). "fold" is the fold that none saw, "all" every patient
of a source that was left out. AUC with 95 % intervals by patient; "mean of kinds" is over the
subtypes that there are. These networks are far from the ones that ship; what to read is how
much a row loses that never saw the hospital. Research use only; not a medical device.

| read | trained on | slices, patients | any blood | mean of kinds | whole scans |
|---|---|---|---|---|---|"""


def read(checkpoint: Path, cache: Path, unseen: Collection[str]) -> Prediction:
    """What a checkpoint says of the fold and of its unseen sources, slices leaning as in cards."""
    state = torch.load(checkpoint, weights_only=True, map_location="cpu")
    model = make(state["arch"], state["size"], init=checkpoint).eval()
    table = pd.read_csv(cache / "index.csv")
    here = (table.fold == HOLDOUT) | table.source.isin(unseen)
    wanted = here.to_numpy() & validate.judgeable(table)
    chosen = table[wanted].reset_index(drop=True)
    logits = validate.predict(model, cache, chosen, flip=False)
    return out_of_fold(cache, chosen.key.to_numpy(str), logits)


def rows(name: str, found: Prediction, unseen: Collection[str]) -> Iterator[str]:
    """Lines of the page for one network: the fold, then all of what it never saw."""
    for everyone in (False, True):
        for title, sources in SETS.items():
            if everyone and not set(sources) <= set(unseen):
                continue
            of_fold = (found.table.fold == HOLDOUT) | everyone
            here = (found.table.source.isin(sources) & of_fold).to_numpy()
            part = Prediction(found.table[here].reset_index(drop=True), found.probs[here])
            figures = slice_figures(part, sources)
            stacks = everyone and set(sources) <= set(STACKS)
            cells = [
                f"{title}, {'all' if everyone else 'fold'}",
                name,
                f"{figures['n']}, {figures['patients']}",
                cell(figures["any"]["auc"]),
                cell(figures["macro auc"]),
                cell(scan_auc(scan_table(part, RANK))) if stacks else "",
            ]
            yield f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--page", type=Path, required=True)
    parser.add_argument("--network", nargs="+", action="append", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    made: list[str] = []
    for name, checkpoint, *unseen in args.network:
        made += rows(name, read(Path(checkpoint), args.cache, unseen), unseen)
    by_set = sorted(made, key=lambda line: line.split("|")[1])
    write_page(args.page, PAGE, "\n".join(by_set))


if __name__ == "__main__":
    main()
