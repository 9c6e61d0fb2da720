"""The peer comparison: what its tables count, and its cases."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra (PyTorch)")
pytest.importorskip("pandas", reason="needs the training extra (pandas)")

from benchmarks import peer_table
from benchmarks.json_lines import read_rows
from benchmarks.peer_answers import work
from benchmarks.peer_cases import NATURAL, ONE, SIMULATED, Case, clinical
from benchmarks.peer_page import page
from tests.benchmarks.toy_reader import ToyReader
from training.splits import HOLDOUT


def case(number: int, group: str = SIMULATED) -> Case:
    truth = {"any": number > 3, "subtypes": ["SDH"] if number > 3 else [], "ml": float(number)}
    return Case(group, str(number), lambda: (number, truth))


def rows(tmp_path: Path, *readers: ToyReader, cases: range = range(12)) -> list[dict[str, Any]]:
    out = tmp_path / "answers.jsonl"
    work([case(n) for n in cases], readers, out)
    return read_rows(out)


def test_readers_are_compared_on_the_cases_all_have_read(tmp_path: Path) -> None:
    found = [r for r in rows(tmp_path, ToyReader("one"), ToyReader("two")) if r["case"] != "7"]
    found += [r for r in rows(tmp_path, ToyReader("one")) if r["case"] == "7"][:1]
    answers = peer_table.by_reader(found, SIMULATED)
    assert [r["case"] for r in answers["one"]] == [r["case"] for r in answers["two"]]
    assert "7" not in {r["case"] for r in answers["one"]}
    assert len(answers["two"]) == 11


def test_detection_counts_calls_and_ranks_scores(tmp_path: Path) -> None:
    answers = peer_table.by_reader(rows(tmp_path, ToyReader("one")), SIMULATED)
    ((name, scans, bleeding, auc, sensitivity, specificity, at),) = peer_table.detection(
        "t", answers
    ).rows
    assert (name, scans, bleeding) == ("one", 12, 8)
    assert auc.value == 1
    assert sensitivity.value == pytest.approx(6 / 8)
    assert specificity.value == 1
    assert at.value == 1


def test_a_head_and_its_mirror_image_are_one_head() -> None:
    truths = ({"head": "a.nii.gz"}, {"head": "a.nii.gz mirrored"}, {})
    named = [{"case": "7", "truth": truth} for truth in truths]
    assert peer_table.heads(named) == ["a.nii.gz", "a.nii.gz", "7"]


def test_millilitres_leave_scans_without_blood_out(tmp_path: Path) -> None:
    answers = peer_table.by_reader(rows(tmp_path, ToyReader("one")), SIMULATED)
    table = {row[0]: row for row in peer_table.volumes(answers).rows}
    assert table["all"][2] == 8
    assert table["all"][3].value == pytest.approx(1)
    assert table["SDH"][2] == 8
    assert table["EDH"][2:4] == (0, None)
    assert table["1–5 mL"][2] == 1
    assert table["5–30 mL"][2] == 7


def test_the_page_holds_every_reader_and_the_fold_alone(tmp_path: Path) -> None:
    found = rows(tmp_path, ToyReader("ours"), ToyReader("blast"))
    for number, row in enumerate(list(found)):
        natural = row | {"group": NATURAL, "truth": row["truth"] | {"fold": number % 5}}
        found += [natural, row | {"group": ONE}]
    text = page(found, {"ours": 1.0, "blast": 4.0}, {"ours": "k1", "blast": "k2"})
    assert "| ours | 0.25 |" in text
    assert f"fold {HOLDOUT} alone" in text
    one_by_one = text.split("one by one")[1].split("###")[0]
    assert "| 9 | 3 | SDH | positive, 9.0 mL | positive, 9.0 mL |" in one_by_one
    assert "| 0 | 0 | none | negative | negative |" in one_by_one
    assert text.count("### ") == 11


@pytest.mark.data
def test_clinical_cases_carry_the_experts_labels(shared_data: Path) -> None:
    cases = list(clinical(shared_data))
    natural = [c for c in cases if c.group == NATURAL]
    assert [c.name for c in cases if c.group == ONE] == [ONE]
    with (shared_data / NATURAL / "labels.csv").open(newline="") as stream:
        bleeding = {r["patient"] for r in csv.DictReader(stream) if r["any"] == "1"}
    truths = {c.name: c.make.args[1] for c in natural}
    assert {name for name, truth in truths.items() if truth["any"]} == bleeding
    assert len(natural) == 31
    volume, truth = cases[0].make()
    assert truth["subtypes"] == ["IPH", "IVH"]
    assert np.shape(volume.hu) == (36, 512, 512)
