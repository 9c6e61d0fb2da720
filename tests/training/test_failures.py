"""The gallery shows the worst, not one patient over and over, and notes are never lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("cv2")

from ich_cli.models.resample import Box
from training import failures
from training.data.sources import LABEL_COLUMNS
from training.judging import montage, notes
from training.judging.heldout import Prediction, load, save


def found(rows: list[tuple[str, str, int, float]]) -> Prediction:
    """Source, patient, any-label and any-probability of each slice."""
    table = pd.DataFrame(
        [
            {
                "source": s,
                "patient": p,
                "name": f"n{k}",
                "index": 0,
                **dict.fromkeys(LABEL_COLUMNS, y),
            }
            for k, (s, p, y, _) in enumerate(rows)
        ]
    )
    return Prediction(table, np.array([[prob] + [0.1] * 5 for *_, prob in rows]))


ROWS = [
    ("ctich", "A", 0, 0.99),
    ("ctich", "A", 0, 0.98),
    ("ctich", "A", 0, 0.97),
    ("rsna_slices", "B", 0, 0.50),
    ("rsna_slices", "C", 0, 0.01),
    ("rsna_slices", "D", 1, 0.02),
    ("rsna_slices", "E", 1, 0.90),
    ("phe_sich", "F", 1, 0.001),
]


def test_worst_come_first_and_no_patient_gives_more_than_two() -> None:
    cases = failures.worst(found(ROWS), each=3)
    alarms, misses = (cases[cases.kind == kind] for kind in ("false alarm", "miss"))
    assert list(alarms.name) == ["n0", "n1", "n3"]
    assert list(misses.name) == ["n5", "n6"]


def test_sources_that_may_not_be_shown_are_left_out() -> None:
    assert "phe_sich" not in set(failures.worst(found(ROWS)).source)
    assert "bhsd_mini" not in failures.SHOWN


def test_notes_outlive_the_slices_they_belong_to(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    cases = failures.worst(found(ROWS), each=1)
    notes.write(path, {("ctich", "n0"): "dense falx", ("ctich", "gone"): "a clip"}, cases)
    seen = notes.read(path)
    assert seen == {
        ("ctich", "gone"): "a clip",
        ("ctich", "n0"): "dense falx",
        ("rsna_slices", "n5"): "",
    }
    page = failures.markdown("net", cases, seen)
    assert "dense falx" in page
    assert page.count(failures.NOT_YET) == 1
    notes.write(path, seen, cases)
    assert notes.read(path) == seen


def test_a_caption_says_source_truth_and_probabilities() -> None:
    cases = failures.worst(found(ROWS), each=1)
    first, second = failures.captions(cases)
    assert first == ("1 ctich", "truth none", "any .99 (EDH .10, IPH .10)")
    assert second[1] == "truth EDH IPH IVH SAH SDH"


def test_predictions_are_stored_with_the_names_of_their_slices(tmp_path: Path) -> None:
    save(tmp_path / "p.csv", found(ROWS))
    again = load(tmp_path / "p.csv")
    assert list(again.table.name) == list(found(ROWS).table.name)
    assert np.allclose(again.probs, found(ROWS).probs)


def test_the_ring_sits_on_the_pixel_it_means() -> None:
    hu = np.zeros((320, 320), np.float32)
    hu[200, 100] = 80
    box = Box(40, 300, 20, 280)
    y, x = np.unravel_index(int(montage.tile(hu, box, 130).argmax()), (130, 130))
    assert montage.place((200, 100), box, 130) == pytest.approx((x + 0.5, y + 0.5), abs=0.5)


def test_a_montage_is_small_and_has_all_tiles(tmp_path: Path) -> None:
    hu = np.tile(np.linspace(0, 80, 64, dtype=np.float32), (64, 1))
    picture = montage.Picture(hu, hu, hu, Box(0, 64, 0, 64), (10, 20))
    path = tmp_path / "m.png"
    montage.draw(path, [picture] * 7, [("1", "truth none", "any .5")] * 7, "title", "cite")
    montage.large(tmp_path / "large.png", picture, 64)
    assert montage.TILE <= 160
    assert path.stat().st_size < 100_000
