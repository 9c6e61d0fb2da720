from __future__ import annotations

from pathlib import Path

import pytest

from ich_cli.models.inventory import Entry, headlines, take_stock
from tests.models.toy import add_head, sequence_head, write_ensemble, write_network


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setenv("ICH_WEIGHTS", str(folder))
    return folder


def entry(name: str) -> Entry:
    return next(entry for entry in take_stock() if entry.name == name)


def test_a_sound_network_has_a_size_and_no_problem(weights: Path) -> None:
    card = add_head(write_network(weights), sequence_head())
    found = entry("toy")
    assert found.problem == ""
    assert found.card is not None
    files = card.with_suffix(".onnx"), card.with_name("head.onnx")
    assert found.size_bytes == sum(file.stat().st_size for file in files)


def test_changed_weights_and_missing_heads_are_told(weights: Path) -> None:
    card = add_head(write_network(weights), sequence_head())
    card.with_suffix(".onnx").write_bytes(b"changed")
    card.with_name("head.onnx").unlink()
    problem = entry("toy").problem
    assert "checksum mismatch" in problem
    assert "head.onnx: cannot read" in problem


def test_an_ensemble_is_as_sound_as_its_members(weights: Path) -> None:
    files = [write_network(weights, name=name).with_suffix(".onnx") for name in "ab"]
    write_ensemble(weights, "a", "b")
    assert entry("both").problem == ""
    assert entry("both").size_bytes == sum(file.stat().st_size for file in files)
    files[1].write_bytes(b"changed")
    assert "b.onnx: checksum mismatch" in entry("both").problem
    files[1].with_suffix(".yaml").unlink()
    assert entry("both").card is None
    assert "b.yaml: cannot read" in entry("both").problem


def test_a_broken_card_is_an_entry_too(weights: Path) -> None:
    (weights / "odd.yaml").write_text("schema: 1\n", encoding="utf-8")
    found = entry("odd")
    assert found.card is None
    assert "is missing" in found.problem


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ({}, ()),
        ({"headline": "any AUC .95"}, ("any AUC .95",)),
        ({"headline": {"any_auc": 0.95123, "n": 44}, "x": 1}, ("any_auc 0.951", "n 44")),
        ({"a": 1.0, "per_set": {"b": 2}, "c": "text"}, ("a 1",)),
        (
            {
                "sha256": "abc",
                "natural slices": {"n": 830, "any": {"auc": [0.9312, 0.91, 0.95]}, "EDH": {}},
                "scans": {"auc": 0.9512},
                "bhsd": {"any": {"dice": 0.6}},
            },
            ("natural slices: AUC 0.931 (0.91–0.95)", "scans: AUC 0.951"),
        ),
        ({"headline": [1, 2]}, ()),
        ({f"m{k}": k for k in range(9)}, ("m0 0", "m1 1", "m2 2", "m3 3")),
    ],
)
def test_the_figures_for_the_table(metrics: dict, expected: tuple[str, ...]) -> None:
    assert headlines(metrics) == expected
