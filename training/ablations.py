"""What each part of the recipe is worth: short trainings that lack it, judged on the same fold.

    python -m training.ablations PLAN DATA --cache CACHE --runs RUNS --page FILE.md [--only NAME …]

PLAN is as in :mod:`training.series`; its first line is what the others are compared with, and
``--bank`` names a folder in RUNS. A network that RUNS holds already is not trained again, so
two calls with other names may share the work; each writes the page of what is there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from scipy.special import expit
from torch import nn

from ich_cli.evaluation.discrimination import delong_interval, delong_test
from training import validate
from training.bank import Bank
from training.card import base_card, dump
from training.data.sets import LONE, MIXED
from training.data.sources import LABEL_COLUMNS
from training.export import to_onnx
from training.judging.heldout import dice, open_network, outlined
from training.nets.team import Team
from training.series import lines
from training.train import arguments, train

HEAD = """# What each part of the recipe is worth

Made by `make ablations`. Short trainings from public weights, the same number of steps of 16
samples each, judged on the fold that none of them saw ({slices} natural slices of {patients}
patients). "any" is the AUC of any blood on them with its 95 % interval; p by DeLong against the
first row, clustered by patient; macro is the mean AUC of the five subtypes; the AUCs of any blood
on the slices of `rsna_scans` and CT-ICH follow. Masks on the 36 slices of `bhsd_mini`: mean Dice of
any blood at each network's best threshold, and how often the mask's peak lies in blood. One run
each: the first two rows differ by chance alone. These networks are far from the ones that ship,
which saw some eight times as much. Research use only; not a medical device.

| | any | p | macro | `rsna_scans` | CT-ICH | any-Dice | peak in blood |
|---|---|---|---|---|---|---|---|"""


def judge(model: nn.Module, run: argparse.Namespace, data: Path, table: pd.DataFrame) -> None:
    """Keep beside the checkpoint what the network says of the fold, and how it outlines."""
    logits = validate.predict(model, run.cache, table, flip=False)
    weights = to_onnx(model).SerializeToString()
    with TemporaryDirectory() as folder:
        card = Path(folder, "ablation.yaml")
        card.with_suffix(".onnx").write_bytes(weights)
        dump(card, base_card("ablation", hashlib.sha256(weights).hexdigest(), model.size))
        drawn = outlined(open_network(str(card)), data)
    masks = {
        "dice": float(dice(drawn.overlap)[:, 0].max()),
        "pointing": f"{int(drawn.pointing.sum())}/{len(drawn.pointing)}",
    }
    (run.run / "masks.json").write_text(json.dumps(masks))
    np.save(run.run / "logits.npy", logits)


def rows(names: list[str], runs: Path, table: pd.DataFrame) -> list[str]:
    """A line of the page for each of ``names`` that has been judged; the first must be."""
    natural = table.source.isin(LONE).to_numpy()
    truth = table[list(LABEL_COLUMNS)].to_numpy() == 1
    patients = table.patient.to_numpy(str)
    first = np.load(runs / names[0] / "logits.npy")[natural, 0]
    out = []
    for name in names:
        if not (runs / name / "logits.npy").exists():
            continue
        probs = expit(np.load(runs / name / "logits.npy").astype(np.float64))
        masks = json.loads((runs / name / "masks.json").read_text())
        y, clusters = truth[natural], patients[natural]
        auc = delong_interval(y[:, 0], probs[natural, 0], clusters=clusters)
        test = delong_test(y[:, 0], first, probs[natural, 0], clusters=clusters)
        kinds = [delong_interval(y[:, k], probs[natural, k]).value for k in range(1, 6)]
        stacks = []
        for source in MIXED:
            mine = (table.source == source).to_numpy()
            stacks.append(delong_interval(truth[mine, 0], probs[mine, 0]).value)
        cells = [
            f"{auc.value:.3f} ({auc.low:.3f}–{auc.high:.3f})",
            "" if name == names[0] else f"{test.p:.3f}" if test.p >= 0.001 else "<0.001",
            *(f"{value:.3f}" for value in (np.mean(kinds), *stacks, masks["dice"])),
            masks["pointing"],
        ]
        out.append(f"| {name.replace('-', ' ')} | {' | '.join(cells)} |")
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--page", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=[], help="names of the plan; else all")
    args = parser.parse_args()
    team = Team.join()
    plan = lines(args.plan.read_text(encoding="utf-8"))
    table = pd.read_csv(args.cache / "index.csv")
    for name, words in plan:
        run = arguments([*words, "--cache", str(args.cache), "--run", str(args.runs / name)])
        fold = table[validate.judged(table, run.holdout[-1])].reset_index(drop=True)
        judged = (run.run / "logits.npy").exists()
        if not judged and (not args.only or name in args.only):
            judge(train(run, team, Bank(args.runs / run.bank, team.device)), run, args.data, fold)
        if (args.runs / plan[0][0] / "logits.npy").exists():
            lone = fold[fold.source.isin(LONE)]
            head = HEAD.format(slices=len(lone), patients=lone.patient.nunique())
            made = rows([each for each, _ in plan], args.runs, fold)
            args.page.write_text("\n".join([head, *made, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
