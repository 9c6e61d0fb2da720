"""Subgroup figures on an example that can be worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("cv2")

from ich_cli.models.card import Card
from training.data.sources import LABEL_COLUMNS
from training.judging import subgroups
from training.judging.heldout import MASK_THRESHOLDS, Outlined, Prediction


def slice_(source: str, patient: str, index: int, y: int, **kinds: int) -> dict:
    labels = {**dict.fromkeys(LABEL_COLUMNS, 0), "any": y, **kinds}
    name = f"{patient}_{index}"
    return {"source": source, "patient": patient, "name": name, "index": index, **labels}


# two lone slices with blood, two without; a stack of four of which two bleed
TABLE = pd.DataFrame(
    [
        slice_("rsna_slices", "a", 0, 1, sdh=1),
        slice_("rsna_slices", "b", 0, 1, iph=1),
        slice_("rsna_slices", "c", 0, 0),
        slice_("rsna_slices", "d", 0, 0),
        *(slice_("ctich", "e", k, y, edh=y) for k, y in enumerate((0, 1, 1, 0))),
    ]
)
ANY = [0.9, 0.2, 0.4, 0.1, 0.1, 0.9, 0.4, 0.2]
FOUND = Prediction(TABLE, np.array([[p] + [0.1] * 5 for p in ANY]))
SHARES = {"a_0": 0.05, "b_0": 0.3, "c_0": 0.3, "d_0": 0.15}


CARD = {
    "schema": 1,
    "name": "net",
    "version": "1",
    "onnx": "net.onnx",
    "sha256": "0" * 64,
    "licence": "none",
    "intended_use": "tests",
    "input": {"size": 224, "windows": [[40, 80]]},
}


def drawn() -> Outlined:
    overlap = np.zeros((6, len(MASK_THRESHOLDS), 6, 3))
    overlap[:, :, 0, 2] = np.array([100, 200, 300, 400, 500, 600])[:, None]
    probs = np.full((6, 6), 0.1)
    probs[2:, 0] = 0.9
    pointing = np.array([False, False, False, True, True, True])
    return Outlined(list("abcdef"), np.ones((6, 6), bool), probs, overlap, pointing, [], [], [])


def test_a_group_is_counted_at_the_threshold() -> None:
    figures = subgroups.group_figures(FOUND, np.arange(8) < 4, 0.5)
    assert (figures["n"], figures["patients"], figures["positives"]) == (4, 4, 2)
    assert figures["auc"][0] == 0.75
    assert figures["sensitivity"][0] == 0.5
    assert figures["specificity"][0] == 1.0
    assert figures["specificity"][1] < 0.5


def test_a_figure_that_is_not_defined_is_left_out() -> None:
    figures = subgroups.group_figures(FOUND, np.isin(np.arange(8), (2, 3)), 0.5)
    assert set(figures) == {"n", "patients", "positives", "specificity"}


def test_all_or_nothing_never_has_an_interval_without_width() -> None:
    figures = subgroups.group_figures(FOUND, np.arange(8) >= 4, 0.95)
    value, low, high = figures["sensitivity"]
    assert (value, low) == (0.0, 0.0)
    assert high > 0.5


def test_slices_fall_into_their_groups() -> None:
    groups = subgroups.groupings(TABLE, SHARES)
    assert list(groups["by level, slices in a stack"].dropna()) == [
        *("lowest third", "lowest third", "middle third", "upper third")
    ]
    shares = groups["by share of brain, lone slices"]
    assert shares.value_counts().to_list() == [2, 1, 1]
    assert set(groups["by slices with blood in the stack"].dropna()) == {"1 to 3"}


def test_a_subtype_is_held_against_slices_without_blood() -> None:
    figures = subgroups.subtype_figures(FOUND, 0.5)
    assert set(figures) == {"edh", "iph", "sdh"}
    assert (figures["sdh"]["n"], figures["sdh"]["sensitivity"][0]) == (5, 1.0)
    assert figures["edh"]["sensitivity"][0] == 0.5


def test_small_bleeds_are_apart_from_large_ones() -> None:
    thirds = [v for v in subgroups.size_figures(drawn(), 0.5).values() if isinstance(v, dict)]
    assert [t["n"] for t in thirds] == [2, 2, 2]
    assert [t["called"][0] for t in thirds] == [0.0, 1.0, 1.0]
    assert [t["mask peak on blood"][0] for t in thirds] == [0.0, 0.5, 1.0]


def test_a_card_takes_the_figures() -> None:
    figures = subgroups.subgroups(FOUND, drawn(), Card.model_validate(CARD), SHARES)
    assert figures["scans, by slices with blood"]["1 to 3"]["n"] == 1
    json.dumps(figures, allow_nan=False)
    metrics = {"subgroups": figures}
    content = {**CARD, "metrics": metrics}
    content["calibration_plot"] = "docs/images/calibration-net.png"
    assert Card.model_validate(content).metrics == metrics
