"""The file of answers: what is read again and what is not, alone and side by side."""

from __future__ import annotations

import pickle
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra (PyTorch)")
pytest.importorskip("pandas", reason="needs the training extra (pandas)")

import torch

from benchmarks.blast_ct import DeepMedic
from benchmarks.json_lines import read_rows
from benchmarks.peer_answers import Row, work
from benchmarks.peer_cases import SIMULATED, Case, keep
from benchmarks.peer_readers import Blast, Ours
from ich_cli.domain import Volume
from tests.benchmarks.toy_reader import ToyReader
from tests.quick import write_quick_network
from training.simulation.scanner import Frame, Scanner
from training.simulation.scans import AXIAL


def said(number: int) -> tuple[Any, Row]:
    return number, {"any": number > 3}


def unreadable(number: int) -> tuple[Any, Row]:
    raise ValueError(f"case {number} cannot be made")


def case(number: int, make: Any = said) -> Case:
    return Case(SIMULATED, str(number), partial(make, number))


@pytest.mark.parametrize("jobs", [1, 2])
def test_only_what_is_missing_is_read(tmp_path: Path, jobs: int) -> None:
    out = tmp_path / "answers.jsonl"
    work([case(0), case(1)], [ToyReader("one"), ToyReader("two")], out)
    work([case(n) for n in range(3)], [ToyReader("one"), ToyReader("two", "new")], out, jobs)
    rows = read_rows(out)
    assert sorted(r["case"] for r in rows if r["reader"] == "one") == ["0", "1", "2"]
    assert sorted((r["key"], r["case"]) for r in rows if r["reader"] == "two") == [
        *(("a", str(n)) for n in range(2)),
        *(("new", str(n)) for n in range(3)),
    ]


def test_a_reader_that_has_read_all_is_not_asked(tmp_path: Path) -> None:
    out = tmp_path / "answers.jsonl"
    one, two = ToyReader("one"), ToyReader("two")
    work([case(0)], [one], out)
    work([case(0), case(1)], [one, two], out)
    assert one.seen == [0, 1]
    assert two.seen == [0, 1]


def test_what_is_known_from_elsewhere_is_not_read(tmp_path: Path) -> None:
    work([case(0)], [ToyReader("one")], tmp_path / "kept.jsonl")
    out = tmp_path / "answers.jsonl"
    work([case(0), case(1)], [ToyReader("one")], out, known=read_rows(tmp_path / "kept.jsonl"))
    assert [r["case"] for r in read_rows(out)] == ["1"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_volume_is_made_only_for_who_has_not_read_it(tmp_path: Path, jobs: int) -> None:
    out = tmp_path / "answers.jsonl"
    work([case(0)], [ToyReader("one")], out)
    work([case(0, unreadable)], [ToyReader("one")], out, jobs)
    assert len(read_rows(out)) == 1


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_case_that_cannot_be_made_ends_the_run(tmp_path: Path, jobs: int) -> None:
    with pytest.raises(ValueError, match="case 1 cannot be made"):
        work([case(0), case(1, unreadable)], [ToyReader("one")], tmp_path / "answers.jsonl", jobs)


def test_a_line_cut_short_is_read_again(tmp_path: Path) -> None:
    out = tmp_path / "answers.jsonl"
    work([case(0)], [ToyReader("one")], out)
    whole = out.read_text()
    out.write_text(whole + whole[:40] + "\n")
    assert len(read_rows(out)) == 1


def small_head(radius: float) -> tuple[Volume, Row]:
    """A ball of brain in bone; ``radius`` of 70 HU (mm) in its middle."""
    scanner = Scanner(np.arange(-30.0, 31, 5), (1.0, 1.0), (80, 80), 0.0, (0, 0, 0), AXIAL, 5.0)
    frame = Frame.of(scanner, np.zeros(3))
    points = np.stack([frame.points(z, 0.0) for z in range(13)])
    away = np.linalg.norm(points, axis=2)
    hu = np.select([away < radius, away < 22, away < 27], [70.0, 30.0, 1000.0], -1000.0)
    return frame.volume(hu.reshape(13, 80, 80).astype(np.float32)), {"any": radius > 0}


def head(radius: float, folder: Path) -> Case:
    return keep(Case(SIMULATED, f"{radius:g}", partial(small_head, radius)), folder)


@pytest.fixture
def readers(tmp_path: Path) -> list[Ours | Blast]:
    """A small network of ours, and BLAST-CT's with random weights."""
    torch.manual_seed(0)
    torch.save(DeepMedic().state_dict(), tmp_path / "random.pt")
    card = write_quick_network(tmp_path / "quick")
    return [Ours.load(str(card)), Blast.load(tmp_path / "random.pt")]


def test_a_reader_is_the_same_in_another_process(readers: list[Ours | Blast]) -> None:
    for reader in readers:
        again = pickle.loads(pickle.dumps(reader))
        assert (again.name, again.key) == (reader.name, reader.key)
        assert pickle.loads(pickle.dumps(reader)) is again


@pytest.mark.slow
def test_side_by_side_says_what_one_by_one_says(
    tmp_path: Path, readers: list[Ours | Blast]
) -> None:
    cases = [head(radius, tmp_path / "volumes") for radius in (0.0, 12.0)]
    found = []
    for jobs in (1, 2):
        out = tmp_path / f"{jobs}.jsonl"
        work(cases, readers, out, jobs)
        rows = sorted(read_rows(out), key=lambda r: (r["case"], r["reader"]))
        assert all(r.pop("seconds") > 0 for r in rows)
        found.append(rows)
    assert found[0] == found[1]
    assert [(r["case"], r["reader"]) for r in found[0]] == [
        *(("0", "blast"), ("0", "quick"), ("12", "blast"), ("12", "quick"))
    ]
    assert any(r["ml"] > 0 for r in found[0] if r["reader"] == "blast")


def test_a_simulated_volume_is_made_once_and_stays_the_same(tmp_path: Path) -> None:
    volume, _ = small_head(12.0)
    volume.hu[...] = np.round(np.random.default_rng(0).normal(0, 900, volume.hu.shape))
    made = [volume]
    kept = keep(Case(SIMULATED, "1", lambda: (made.pop(), {"ml": 2.5})), tmp_path / "volumes")
    for _ in range(2):
        again, truth = kept.make()
        assert again.hu.dtype == np.float32
        np.testing.assert_array_equal(again.hu, volume.hu)
        assert again.spacing_mm == volume.spacing_mm
        assert truth == {"ml": 2.5}
