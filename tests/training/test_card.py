"""The cards that training writes: provisional ones are valid, and answers are kept by key."""

from __future__ import annotations

from pathlib import Path

import pytest

from ich_cli.models.card import EnsembleCard, load_card
from tests.models.toy import write_ensemble, write_network

pytest.importorskip("torch", reason="needs the training extra (PyTorch)")
pytest.importorskip("cv2", reason="needs the training extra (OpenCV)")

from training.card import ABOUT, MEMBERS, dump, provisional
from training.judging.heldout import answers_key, kept_path


def test_the_provisional_card_of_both_is_one_of_members_without_calibration(
    tmp_path: Path,
) -> None:
    for member in MEMBERS["both"]:
        write_network(tmp_path, name=Path(member).stem)
    path = tmp_path / "both.yaml"
    dump(path, {**provisional("both", tmp_path), **ABOUT["both"]})
    card = load_card(path)
    assert isinstance(card, EnsembleCard)
    assert [one.name for one in card.cards] == ["resnet", "vit"]
    assert set(card.calibration.temperature) == {1.0}
    assert set(card.calibration.bias) == {0.0}
    assert "non-commercial" in card.licence
    assert len(card.starting_weights) == 2


def test_answers_of_one_network_are_kept_by_its_weights(tmp_path: Path) -> None:
    plain = load_card(write_network(tmp_path))
    calibrated = load_card(write_network(tmp_path, calibration={"bias": 1.0}))
    assert answers_key(plain) == answers_key(calibrated) == f"{plain.sha256[:16]}-0"


def test_calibrated_answers_are_kept_by_the_whole_card(tmp_path: Path) -> None:
    plain = kept_path(load_card(write_network(tmp_path)), tmp_path)
    assert kept_path(load_card(write_network(tmp_path, notes="more")), tmp_path) == plain
    gated = load_card(write_network(tmp_path, calibration={"gate": 0.5}))
    assert kept_path(gated, tmp_path) != plain


def test_answers_of_an_ensemble_are_kept_by_the_cards_of_its_members(tmp_path: Path) -> None:
    for name in "ab":
        write_network(tmp_path, name=name)
    plain = answers_key(load_card(write_ensemble(tmp_path, "a", "b")))
    card = write_ensemble(tmp_path, "a", "b", calibration={"bias": 1.0}, thresholds={"scan": 0.2})
    assert answers_key(load_card(card)) == plain
    write_network(tmp_path, name="b", calibration={"bias": 1.0})
    assert answers_key(load_card(card)) != plain
