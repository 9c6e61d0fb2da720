from __future__ import annotations

import os
from pathlib import Path

import pytest

from ich_cli.errors import ModelError, UsageError
from ich_cli.models.registry import find_card, list_cards, weight_folders
from tests.models.toy import write_network


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own weights, named in ``ICH_WEIGHTS``."""
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setenv("ICH_WEIGHTS", str(folder))
    return folder


def test_a_name_is_found_in_ones_own_folder(own: Path) -> None:
    card = write_network(own, name="mine")
    assert find_card("mine") == card
    assert card in list_cards()


def test_the_first_of_several_folders_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    write_network(second, name="net")
    only = write_network(second, name="other")
    wins = write_network(first, name="net")
    monkeypatch.setenv("ICH_WEIGHTS", os.pathsep.join([str(first), str(second)]))
    assert find_card("net") == wins
    assert find_card("other") == only
    assert [card.stem for card in list_cards()].count("net") == 1


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_a_folder_that_is_none_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Else a shipped network would be run in place of one's own of the same name."""
    write_network(tmp_path / "there", name="net")
    (tmp_path / "file").touch()
    named = os.pathsep.join([str(tmp_path / "there"), str(tmp_path / name)])
    monkeypatch.setenv("ICH_WEIGHTS", named)
    with pytest.raises(UsageError, match=rf"ICH_WEIGHTS names .*{name}, which is no folder"):
        find_card("net")


def test_the_source_trees_weights_are_searched() -> None:
    assert any(folder.name in ("weights", "_weights") for folder in weight_folders())


def test_a_path_to_a_card_or_to_its_onnx_file(tmp_path: Path) -> None:
    card = write_network(tmp_path)
    assert find_card(str(card)) == card
    assert find_card(str(card.with_suffix(".onnx"))) == card


def test_an_onnx_file_without_a_card(tmp_path: Path) -> None:
    card = write_network(tmp_path)
    card.unlink()
    with pytest.raises(ModelError, match=r"no model card beside it; write toy\.yaml"):
        find_card(str(card.with_suffix(".onnx")))


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model card"):
        find_card(str(tmp_path / "none.yaml"))


def test_an_unknown_name_lists_the_known_and_guesses(own: Path) -> None:
    write_network(own, name="mynetwork")
    with pytest.raises(ModelError, match=r"Did you mean 'mynetwork'\? Known models: .*mynetwork"):
        find_card("mynetwrok")
