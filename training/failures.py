"""The gallery of failures: the worst 24 slices of the held-out fold, looked at one by one.

    python -m training.failures NAME --data DATA --work FOLDER [--out training/failures]

Writes ``NAME.png`` (a montage), ``NAME.md`` (a table) and adds the slices that nobody has
looked at yet to ``notes.csv``. Write the sentence there and call again with ``--table``: the
notes belong to the slices, so that other weights keep those that are still among the worst.
``--look FOLDER`` writes large pictures, with the neighbours, to write the sentences from.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from ich_cli.models.headbox import head_box
from ich_cli.models.model import Model
from ich_cli.notice import NOTICE
from training.data import sources
from training.data.sets import LONE, MIXED
from training.data.sources import LABEL_COLUMNS, Stack
from training.judging import montage, notes
from training.judging.heldout import ASSUMED_SLICE_MM, Prediction, kept, open_network
from training.judging.montage import Picture
from training.judging.notes import Notes

SHOWN = (*LONE, *MIXED)
"""Sources whose small pictures may be shown, with their citation."""

EACH = 12
PER_PATIENT = 2
PLURAL = {"false alarm": "False alarms", "miss": "Misses"}
NOT_YET = "*not yet looked at*"
CITATION = (
    "Pictures: RSNA 2019 (Flanders AE et al., Radiol Artif Intell 2020;2:e190211; non-commercial), "
    "CT-ICH 1.0.0 (Hssayeni M, PhysioNet 2020; CC BY 4.0; resized)."
)


def worst(found: Prediction, each: int = EACH, per_patient: int = PER_PATIENT) -> pd.DataFrame:
    """The ``each`` loudest false alarms, then the ``each`` quietest misses, worst first.

    ``kind`` says which; no patient gives more than ``per_patient`` of either.
    """
    columns = {f"p_{name}": found.probs[:, k] for k, name in enumerate(LABEL_COLUMNS)}
    table = found.table.assign(**columns)
    table = table[table.source.isin(SHOWN)]
    parts = []
    for kind, truth in (("false alarm", 0), ("miss", 1)):
        part = table[table["any"] == truth].sort_values("p_any", ascending=bool(truth))
        part = part[part.groupby("patient").cumcount() < per_patient]
        parts.append(part.head(each).assign(kind=kind))
    return pd.concat(parts).reset_index(drop=True)


def truth_of(case: pd.Series) -> str:
    """The labels in words: ``SAH SDH``, or ``none``."""
    kinds = [name.upper() for name in LABEL_COLUMNS[1:] if case[name] == 1]
    return " ".join(kinds) or ("blood, kind not said" if case["any"] == 1 else "none")


def highest(case: pd.Series, count: int = 2) -> str:
    """The likeliest subtypes: ``SDH .41, SAH .20``."""
    order = sorted(LABEL_COLUMNS[1:], key=lambda name: -case[f"p_{name}"])[:count]
    return ", ".join(f"{name.upper()} {short(case[f'p_{name}'])}" for name in order)


def short(prob: float) -> str:
    return f"{prob:.3f}".lstrip("0") if prob < 0.01 else f"{prob:.2f}".lstrip("0")


def markdown(name: str, cases: pd.DataFrame, seen: Notes) -> str:
    """The table beside the montage."""
    lines = [
        f"# Worst of the held-out fold: {name}",
        "",
        f"{NOTICE} Made by `python -m training.failures {name}`; the",
        "last column is from `notes.csv`, written by looking at the pictures and their neighbours,",
        "not by a radiologist: a guess at the reason, not a diagnosis. Labels are the sources',",
        f"noise included. At most {PER_PATIENT} false alarms and {PER_PATIENT} misses a patient.",
        "",
        f"![the worst slices]({name}.png)",
        "",
        f"{CITATION} The circle is where the network's mask is highest.",
    ]
    for kind in dict.fromkeys(cases.kind):
        lines += ["", f"## {PLURAL[kind]}", ""]
        lines += ["| # | slice | truth | any | likeliest | what is seen |", "|---" * 6 + "|"]
        for number, case in cases[cases.kind == kind].iterrows():
            key = (case.source, case["name"])
            cells = [number + 1, f"{key[0]} {key[1]}", truth_of(case), short(case.p_any)]
            cells += [highest(case), seen.get(key) or NOT_YET]
            lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def pictures(cases: pd.DataFrame, data: Path, network: Model) -> list[Picture]:
    """The cases' pixels, and where the network looked."""
    wanted = {(c.source, c["name"]): n for n, c in cases.iterrows()}
    found: dict[int, Picture] = {}
    for source in dict.fromkeys(cases.source):
        for stack in getattr(sources, source)(data / source):
            for index, item in enumerate(stack.slices):
                number = wanted.get((source, item.name))
                if number is not None:
                    found[number] = _picture(stack, index, network)
    return [found[n] for n in range(len(cases))]


def _picture(stack: Stack, index: int, network: Model) -> Picture:
    last = len(stack.slices) - 1
    near = [max(index - 1, 0), index, min(index + 1, last)]
    below, hu, above = (stack.slices[i].hu for i in near)
    read = stack.slices[near[0] : near[2] + 1]
    spacing = (ASSUMED_SLICE_MM, stack.pixel_mm, stack.pixel_mm)
    masks = network.predict(np.stack([item.hu for item in read]), spacing).masks
    peak = None
    if masks is not None:
        heat = cv2.GaussianBlur(np.asarray(masks[index - near[0]][0], np.float32), (0, 0), 2)
        y, x = np.unravel_index(int(heat.argmax()), heat.shape)
        peak = (int(y), int(x))
    box = head_box(hu, (stack.pixel_mm, stack.pixel_mm))
    return Picture(below, hu, above, box, peak)


def captions(cases: pd.DataFrame) -> list[tuple[str, ...]]:
    return [
        (
            f"{number + 1} {case.source}",
            f"truth {truth_of(case)}",
            f"any {short(case.p_any)} ({highest(case)})",
        )
        for number, case in cases.iterrows()
    ]


def draw(args: argparse.Namespace, name: str, cases: pd.DataFrame, drawn: list[Picture]) -> None:
    title = f"{name}: worst of the held-out fold. Rows 1-2 false alarms, rows 3-4 misses. {NOTICE}"
    montage.draw(args.out / f"{name}.png", drawn, captions(cases), title, CITATION)
    if args.look:
        args.look.mkdir(parents=True, exist_ok=True)
        for number, (picture, case) in enumerate(zip(drawn, cases.itertuples(), strict=True)):
            montage.large(args.look / f"{name}-{number + 1:02d}-{case.kind[:4]}.png", picture)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("training/failures"))
    parser.add_argument(
        "--table", action="store_true", help="notes have changed, pictures have not"
    )
    parser.add_argument("--look", type=Path, help="folder for large pictures; not to be published")
    args = parser.parse_args()
    network, name = open_network(args.model), Path(args.model).stem
    cases = worst(kept(network, args.data, args.work))
    args.out.mkdir(parents=True, exist_ok=True)
    seen = notes.read(args.out / "notes.csv")
    notes.write(args.out / "notes.csv", seen, cases)
    (args.out / f"{name}.md").write_text(markdown(name, cases, seen))
    if not args.table:
        draw(args, name, cases, pictures(cases, args.data, network))
    new = sum(not seen.get((c.source, c["name"])) for _, c in cases.iterrows())
    print(f"{args.out / name}.md: {len(cases)} slices, {new} not yet looked at")


if __name__ == "__main__":
    main()
