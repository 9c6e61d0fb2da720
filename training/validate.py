"""How good is a checkpoint on the fold it never saw: a quick look while training goes on.

    python -m training.validate RUN/last.pt --cache CACHE [--flip] [--alone] [--save FILE.npz]

``--flip`` averages each slice with its mirror image, ``--alone`` hides its neighbours,
``--but PATIENT`` leaves one out, on whom a figure of few scans may hang. The figures in the
cards come from ``training.evaluate``, through the shipped ONNX files.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from sklearn.metrics import roc_auc_score

from training.data.crop import CONTEXT, SIDE
from training.data.pictures import open_pictures
from training.data.sets import LONE, MIXED
from training.data.sources import LABEL_COLUMNS
from training.nets.build import MEAN, STD, make
from training.splits import HOLDOUT


def central(picture: np.ndarray, size: int) -> np.ndarray:
    """``(c, 448, 448)`` uint8 of the cache → ``(3, size, size)`` 0…1: the head box alone."""
    margin = round(SIDE * (1 - 1 / CONTEXT) / 2)
    inner = picture[:, margin : SIDE - margin, margin : SIDE - margin]
    small = [cv2.resize(p, (size, size), interpolation=cv2.INTER_AREA) for p in inner]
    out = np.stack(small).astype(np.float32) / 255.0
    return np.repeat(out, 3, 0) if len(out) == 1 else out


@torch.no_grad()
def predict(
    model: torch.nn.Module, cache: Path, table: pd.DataFrame, flip: bool, alone: bool = False
) -> np.ndarray:
    """``(n, 6)`` logits of the table's slices."""
    stored = open_pictures(cache, table)
    device = next(model.parameters()).device

    def picture(row: pd.Series) -> np.ndarray:
        slices = stored(row)
        return slices[len(slices) // 2][None] if alone else slices

    out = []
    for start in range(0, len(table), 16):
        rows = table.iloc[start : start + 16]
        images = np.stack([central(picture(row), model.size) for _, row in rows.iterrows()])
        batch = (torch.from_numpy(images).to(device) - MEAN) / STD
        with torch.autocast(device.type, torch.bfloat16):
            logits = model(batch)["logits"].float()
            if flip:
                logits = (logits + model(batch.flip(-1))["logits"].float()) / 2
        out.append(logits.cpu().numpy())
    return np.concatenate(out)


def judgeable(table: pd.DataFrame) -> np.ndarray:
    """Which labelled slices tell how good a network is that never saw them."""
    odd = table.source.isin(("phe_sich", "rsna_boxes", "simulated"))
    return np.asarray((table["any"] >= 0) & ~odd)


def judged(table: pd.DataFrame, fold: int) -> np.ndarray:
    """Those of one fold."""
    return np.asarray(table.fold == fold) & judgeable(table)


def report(table: pd.DataFrame, logits: np.ndarray) -> None:
    for name, chosen in (
        ("natural slices", table.source.isin(LONE)),
        ("rsna_scans", table.source == "rsna_scans"),
        ("ctich", table.source == "ctich"),
        ("all", table.source.notna()),
    ):
        truth = table[chosen][list(LABEL_COLUMNS)].to_numpy()
        score = logits[chosen.to_numpy()]
        aucs = []
        for k in range(6):
            y = truth[:, k]
            aucs.append(roc_auc_score(y, score[:, k]) if 0 < y.sum() < len(y) else np.nan)
        shown = " ".join(
            f"{n} {a:.3f}({int(t)})"
            for n, a, t in zip(LABEL_COLUMNS, aucs, truth.sum(0), strict=True)
        )
        known = [area for area in aucs[1:] if np.isfinite(area)]
        macro = np.mean(known) if known else np.nan
        print(f"{name:15s} n={len(truth):4d} {shown} macro {macro:.3f}")
    stacks = table[table.source.isin(MIXED)]
    best = pd.DataFrame({"patient": stacks.patient, "source": stacks.source, "y": stacks["any"]})
    best["s"] = logits[table.index.get_indexer(stacks.index), 0]
    scans = best.groupby("patient").agg(
        y=("y", "max"), top=("s", "max"), second=("s", lambda s: s.nlargest(2).iloc[-1])
    )
    for rule in ("top", "second") if scans.y.nunique() == 2 else ():
        area = roc_auc_score(scans.y, scans[rule])
        print(f"scans by {rule}: {area:.3f} n={len(scans)} pos={scans.y.sum()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--holdout", type=int, default=HOLDOUT)
    parser.add_argument("--flip", action="store_true")
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--but", nargs="*", default=[], metavar="PATIENT")
    parser.add_argument("--save", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    state = torch.load(args.checkpoint, weights_only=True, map_location="cpu")
    model = make(state["arch"], state["size"], init=args.checkpoint).eval()
    table = pd.read_csv(args.cache / "index.csv")
    wanted = judged(table, args.holdout) & ~table.patient.isin(args.but)
    table = table[wanted].reset_index(drop=True)
    logits = predict(model, args.cache, table, args.flip, args.alone)
    print(f"{args.checkpoint} minutes {state['spent'] / 60:.0f} steps {state['step']}")
    report(table, logits)
    if args.save:
        np.savez(args.save, logits=logits, key=table.key.to_numpy(str))


if __name__ == "__main__":
    main()
