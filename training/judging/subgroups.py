"""The same figures of any blood for parts of the held-out fold: where is the network weak?

Every group has its size, its slices with blood, the AUC of the any-probability, sensitivity
and specificity at the card's slice threshold, with 95 % intervals by patient. Parts are
small: read the intervals, not the values.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ich_cli.evaluation.presence import LabelCases, Presence, Resampling, presence
from ich_cli.evaluation.proportions import wilson
from ich_cli.models.card import AnyCard
from training.data import bhsd
from training.data.sets import LONE, MIXED
from training.data.sources import LABEL_COLUMNS
from training.judging.calibration import scan_table
from training.judging.figures import show
from training.judging.heldout import Outlined, Prediction

DRAWS = Resampling(draws=500)


def brain_shares(data: Path) -> dict[str, float]:
    """Share of brain tissue in the picture, by name of the lone slice, where it is known."""
    table = pd.read_csv(data / "rsna_slices" / "labels.csv")
    return {Path(row.file).stem: row.tissue_frac for row in table.itertuples()}


def subgroups(found: Prediction, drawn: Outlined, card: AnyCard, shares: dict[str, float]) -> dict:
    """All groupings as nested mappings, JSON-able."""
    threshold = card.thresholds.slice[0]
    chosen = found.table.source.isin((*LONE, *MIXED)).to_numpy()
    part = Prediction(found.table[chosen].reset_index(drop=True), found.probs[chosen])
    out: dict[str, object] = {"slice threshold": threshold}
    for title, group in groupings(part.table, shares).items():
        names = [name for name in group.cat.categories if (group == name).any()]
        out[title] = {
            name: group_figures(part, (group == name).to_numpy(), threshold) for name in names
        }
    out["by subtype, against slices without blood"] = subtype_figures(part, threshold)
    out["scans, by slices with blood"] = scan_figures(found, card)
    out["bhsd_mini, by area of blood"] = size_figures(drawn, threshold)
    return out


def groupings(table: pd.DataFrame, shares: Mapping[str, float]) -> dict[str, pd.Series]:
    """Each slice's group by each grouping, as ordered categories; empty: in none of them."""
    lone = table.source.isin(LONE)
    size = table.groupby(["source", "patient"])["index"].transform("max")
    height = (table["index"] / size.clip(lower=1)).where(~lone)
    share = table.name.map(shares).where(table.source == "rsna_slices")
    return {
        "by source": table.source.astype("category"),
        "lone or with neighbours": pd.Series(
            np.where(lone, "lone", "in a stack"), table.index
        ).astype("category"),
        "by level, slices in a stack": pd.cut(
            height, [-1, 1 / 3, 2 / 3, 1], labels=["lowest third", "middle third", "upper third"]
        ),
        "by share of brain, lone slices": pd.cut(
            share,
            [-1, 0.1, 0.2, 1],
            right=False,
            labels=["below 10 % (base, vertex)", "10 to 20 %", "20 % and more"],
        ),
        "by slices with blood in the stack": bleeding_band(
            (table["any"] == 1).groupby([table.source, table.patient]).transform("sum"), ~lone
        ),
    }


def bleeding_band(count: pd.Series, known: pd.Series) -> pd.Series:
    """Number of slices with blood → none, 1 to 3, 4 to 9, 10 and more."""
    labels = ["none", "1 to 3", "4 to 9", "10 and more"]
    return pd.cut(count.where(known), [0, 1, 4, 10, np.inf], right=False, labels=labels)


def group_figures(found: Prediction, rows: np.ndarray, threshold: float) -> dict:
    """Any blood among the chosen rows; a figure that is not defined there is left out."""
    table, prob = found.table[rows], found.probs[rows, 0]
    y, patients = (table["any"] == 1).to_numpy(), table.patient.to_numpy(str)
    figures = presence(LabelCases("any", y, prob >= threshold, prob, patients), DRAWS)
    if figures is None:
        return {"n": 0}
    shown = {
        "auc": show(figures.auc),
        "sensitivity": show(figures.sensitivity),
        "specificity": show(figures.specificity),
    }
    return {**_counts(figures, patients), **{k: v for k, v in shown.items() if v is not None}}


def _counts(figures: Presence, patients: np.ndarray) -> dict[str, int]:
    return {"n": figures.n, "patients": len(set(patients)), "positives": figures.positives}


def subtype_figures(found: Prediction, threshold: float) -> dict:
    """Is it called at all, by the kind of blood; a mixed bleed counts for each of its kinds."""
    clear = (found.table["any"] == 0).to_numpy()
    out = {}
    for name in LABEL_COLUMNS[1:]:
        rows = clear | (found.table[name] == 1).to_numpy()
        figures = group_figures(found, rows, threshold)
        if figures["positives"]:
            figures.pop("specificity", None)
            out[name] = figures
    return out


def scan_figures(found: Prediction, card: AnyCard) -> dict:
    """Whole scans that are called, by how many of their slices bleed."""
    stacks = found.table[found.table.source.isin(MIXED)]
    count = (stacks["any"] == 1).groupby([stacks.source, stacks.patient]).sum()
    scans = scan_table(found, card.scan.rank).set_index(["source", "patient"]).loc[count.index]
    called = scans.s_any >= card.thresholds.scan[0]
    band = bleeding_band(count, pd.Series(True, count.index))
    return {
        name: {"n": len(part), "called": show(wilson(int(part.sum()), len(part)))}
        for name, part in called.groupby(band, observed=True)
    }


def size_figures(drawn: Outlined, threshold: float) -> dict:
    """Slices with outlined blood in thirds of its area: called, and pointed at."""
    area = drawn.overlap[:, 0, 0, 2] * bhsd.PIXEL_MM**2
    edges = np.quantile(area, [1 / 3, 2 / 3])
    third = np.searchsorted(edges, area)
    names = [f"to {edges[0]:.0f} mm²", f"to {edges[1]:.0f} mm²", "larger"]
    out: dict[str, object] = {"pixel": f"{bhsd.PIXEL_MM} mm, assumed"}
    for k, name in enumerate(names):
        inside = third == k
        n = int(inside.sum())
        out[name] = {
            "n": n,
            "called": show(wilson(int((drawn.probs[inside, 0] >= threshold).sum()), n)),
            "mask peak on blood": show(wilson(int(drawn.pointing[inside].sum()), n)),
        }
    return out
