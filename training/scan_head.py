"""A small network that reads a scan's slice logits together, and whether it earns its place.

    python -m training.scan_head CACHE TEACHER.npz --arch vit [--save FILE.onnx]

The network (:mod:`training.nets.scan_head`) learns from logits of networks that never saw the
scan (:mod:`training.teach`), so that they are as unsure as they will be in use.

Prints AUC of scans and slices by five-fold cross-validation beside those of the pooling rules
and of :func:`ich_cli.models.neighbours.lean_on_neighbours` by several weights.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score
from torch.nn import functional as F

from ich_cli.findings.aggregate import pool_slices
from ich_cli.findings.policy import Policy
from ich_cli.models.neighbours import lean_on_neighbours
from training.data.opinions import said
from training.data.sets import STACKS
from training.data.sources import LABEL_COLUMNS
from training.nets.scan_head import CLASSES, ScanHead, to_onnx
from training.splits import HOLDOUT

STEPS, BATCH = 500, 12
WEIGHTS = (0.0, 0.2, 0.35, 0.5, 1.0)
"""Of a neighbour's logits, that are compared; the cards' is among them."""


@dataclass(frozen=True)
class Scan:
    """One stack: ``logits`` and ``labels`` ``(z, 6)``, labels −1 where nobody said."""

    patient: str
    source: str
    fold: int
    logits: np.ndarray
    labels: np.ndarray

    @property
    def truth(self) -> np.ndarray:
        """``(6,)``: 1 if any slice bleeds, 0 if none does, −1 if that is not known."""
        return np.where((self.labels == 1).any(0), 1, self.labels.min(0))


def scans_of(cache: Path, teacher: Path, arch: str) -> list[Scan]:
    """All stacks with the logits of networks of ``arch`` that never saw them."""
    keys, said_logits = said(teacher)[arch]
    row_of = {key: row for row, key in enumerate(keys.tolist())}
    table = pd.read_csv(cache / "index.csv")
    table = table[table.source.isin(STACKS) & table.key.isin(row_of)]
    scans = []
    for (source, patient), rows in table.groupby(["source", "patient"]):
        rows = rows.sort_values("index")
        logits = said_logits[[row_of[key] for key in rows.key]].astype(np.float32)
        labels = rows[list(LABEL_COLUMNS)].to_numpy()
        scans.append(Scan(str(patient), str(source), int(rows.fold.iloc[0]), logits, labels))
    return scans


def fit(scans: list[Scan], seed: int = 0) -> ScanHead:
    """Train a head; slices and scans count alike, and a series is read in either order."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    head = ScanHead()
    optimiser = torch.optim.AdamW(head.parameters(), lr=1e-2, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    for _ in range(STEPS):
        losses = []
        for scan in (scans[i] for i in rng.choice(len(scans), BATCH)):
            shift = rng.normal(0, 0.3) + rng.normal(0, 0.2, scan.logits.shape)
            x = torch.from_numpy((scan.logits + shift).astype(np.float32))[None]
            whole, slices = head(x)
            losses.append(_bce(whole[0], scan.truth) + _bce(slices[0], scan.labels))
        optimiser.zero_grad()
        torch.stack(losses).mean().backward()
        optimiser.step()
        schedule.step()
    return head.eval()


def _bce(logits: torch.Tensor, labels: np.ndarray) -> torch.Tensor:
    truth = torch.from_numpy(labels.astype(np.float32))
    raw = F.binary_cross_entropy_with_logits(logits, truth.clamp(0, 1), reduction="none")
    known = (truth >= 0).float()
    return (raw * known).sum() / known.sum().clamp(min=1.0)


@torch.no_grad()
def read(head: ScanHead, scan: Scan) -> tuple[np.ndarray, np.ndarray]:
    """Scan and slice logits."""
    whole, slices = head(torch.from_numpy(scan.logits)[None])
    return whole[0].numpy(), slices[0].numpy()


def cross_validated(scans: list[Scan]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each scan read by a head that was fitted without its fold."""
    heads = {f: fit([s for s in scans if s.fold != f]) for f in sorted({s.fold for s in scans})}
    return [read(heads[scan.fold], scan) for scan in scans]


def rules(scans: list[Scan]) -> dict[str, np.ndarray]:
    """Scan logits ``(n, 6)`` by each pooling rule, slices taken as 5 mm."""
    chosen = {
        "highest slice": Policy(pooling="rank", rank=1),
        "second highest": Policy(pooling="rank", rank=2),
        "third highest": Policy(pooling="rank", rank=3),
        "smooth maximum": Policy(pooling="smooth_max"),
    }
    return {
        name: np.array(
            [
                logit(pool_slices(expit(s.logits), np.full(len(s.logits), 5.0, np.float32), policy))
                for s in scans
            ]
        )
        for name, policy in chosen.items()
    }


def leaning(scans: list[Scan], weight: float) -> list[Scan]:
    """The same scans, each slice's logits averaged with its neighbours'."""
    return [replace(s, logits=lean_on_neighbours(s.logits, 1, weight)) for s in scans]


def slice_table(scans: list[Scan], read: list[np.ndarray]) -> str:
    """AUC of slices, natural and CT-ICH: by weight of their neighbours, and ``read`` by a head."""
    mixed = [i for i, s in enumerate(scans) if s.source != "phe_sich"]
    truth = np.concatenate([scans[i].labels for i in mixed])
    answers = {f"neighbours {w}": [s.logits for s in leaning(scans, w)] for w in WEIGHTS}
    lines = ["| slices | any | five subtypes |", "|---|---|---|"]
    for name, logits in (answers | {"head": read}).items():
        score = np.concatenate([logits[i] for i in mixed])
        aucs = [_auc(truth[:, k], score[:, k]) for k in range(CLASSES)]
        lines.append(f"| {name} | {aucs[0]:.3f} | {np.mean(aucs[1:]):.3f} |")
    return "\n".join(lines)


def table(scans: list[Scan], scores: dict[str, np.ndarray]) -> str:
    """AUC of scans by each rule, on the natural ones and CT-ICH, and on all with PHE-SICH."""
    mixed = np.array([s.source != "phe_sich" for s in scans])
    truth = np.array([s.truth for s in scans])
    lines = [
        "| rule | any, natural and CT-ICH | any, with PHE-SICH | five subtypes |",
        "|---|---|---|---|",
    ]
    for name, score in scores.items():
        aucs = [_auc(truth[mixed, k], score[mixed, k]) for k in range(1, CLASSES)]
        cells = (
            _auc(truth[mixed, 0], score[mixed, 0]),
            _auc(truth[:, 0], score[:, 0]),
            np.mean(aucs),
        )
        lines.append(f"| {name} | " + " | ".join(f"{c:.3f}" for c in cells) + " |")
    return "\n".join(lines)


def _auc(truth: np.ndarray, score: np.ndarray) -> float:
    known = truth >= 0
    return float(roc_auc_score(truth[known], score[known]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("teacher", type=Path)
    parser.add_argument("--arch", required=True)
    parser.add_argument("--save", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    scans = scans_of(args.cache, args.teacher, args.arch)
    found = cross_validated(scans)
    scores = rules(scans)
    for weight in WEIGHTS[1:]:
        second = rules(leaning(scans, weight))["second highest"]
        scores[f"second highest, neighbours {weight}"] = second
    scores["head"] = np.array([whole for whole, _ in found])
    print(table(scans, scores))
    print(slice_table(scans, [slices for _, slices in found]))
    if args.save:
        args.save.write_bytes(to_onnx(fit([s for s in scans if s.fold != HOLDOUT])))


if __name__ == "__main__":
    main()
