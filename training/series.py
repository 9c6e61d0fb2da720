"""Several trainings one after the other, the bank of samples loaded once.

    python -m training.series PLAN --bank BANK --cache CACHE --runs RUNS --said OOF.npz

Each line of PLAN is a name and the words of :mod:`training.train` (``#`` begins a remark):

    v0  vit --size 280 --holdout 3 0 --steps 800 --batch 128

The checkpoint goes to ``RUNS/NAME``. Each network then speaks for the last fold that it did
not see: its logits go to OOF (:mod:`training.teach`) under its architecture's name, or its own
with ``--by-name``, and how good they are is printed. What is trained already is not trained again.
"""

from __future__ import annotations

import argparse
import shlex
import time
from pathlib import Path

import pandas as pd

from training import teach, validate
from training.bank import Bank
from training.nets.team import Team
from training.train import arguments, train


def lines(plan: str) -> list[tuple[str, list[str]]]:
    """Name and words of each line that is more than a remark."""
    split = [shlex.split(line, comments=True) for line in plan.splitlines()]
    return [(words[0], words[1:]) for words in split if words]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan", type=Path)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--said", type=Path, required=True)
    parser.add_argument("--by-name", action="store_true", help="keep the answers of each run apart")
    args = parser.parse_args()
    team = Team.join()
    bank = Bank(args.bank, team.device)
    table = pd.read_csv(args.cache / "index.csv")
    for name, words in lines(args.plan.read_text(encoding="utf-8")):
        begin = time.monotonic()
        shared = ["--cache", str(args.cache), "--run", str(args.runs / name)]
        run = arguments([*words, *shared])
        model = train(run, team, bank)
        trained = time.monotonic() - begin
        fold = run.holdout[-1]
        logits = teach.speak(args.cache, args.said, fold, model, name if args.by_name else run.arch)
        print(f"{name} fold {fold}: {trained:.0f} s, {time.monotonic() - begin:.0f} s in all")
        judged = validate.judged(table, fold)
        validate.report(table[judged].reset_index(drop=True), logits[judged])


if __name__ == "__main__":
    main()
