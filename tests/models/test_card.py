from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ich_cli.domain import LABELS
from ich_cli.errors import ExitCode, ModelError
from ich_cli.models.card import OF_ONE_NETWORK, Card, EnsembleCard, load_card
from ich_cli.models.card_parts import Calibration, InputSpec, OutputSpec, ScanSpec, Thresholds
from tests.models.toy import card_fields, write_ensemble, write_network

SHA = "0" * 64
BESIDE = {"size": 32, "windows": [[40, 80]], "slices": [-1, 1]}


def load_network_card(path: Path) -> Card:
    card = load_card(path)
    assert isinstance(card, Card)
    return card


def write(folder: Path, fields: Any) -> Path:
    path = folder / "toy.yaml"
    path.write_text(yaml.safe_dump(fields), encoding="utf-8")
    return path


def test_a_minimal_card_has_sensible_defaults(tmp_path: Path) -> None:
    card = load_network_card(write(tmp_path, card_fields(SHA)))
    assert card.labels == LABELS
    assert card.calibration.temperature == (1.0,) * 6
    assert card.thresholds.scan == (0.5,) * 6
    assert card.scan.method == "rank"
    assert card.average_to_mm is None
    assert card.input.channels == 6


@pytest.mark.parametrize(
    ("stated", "default"),
    [({}, True), ({"slice": 0.3, "mask": 0.4}, True), ({"scan": 0.5}, False)],
)
def test_a_card_knows_whether_it_states_where_scans_are_called(
    tmp_path: Path, stated: dict[str, float], default: bool
) -> None:
    card = write_network(tmp_path, thresholds=stated)
    assert load_card(card).has_default_thresholds is default
    both = write_ensemble(tmp_path, "toy", "toy2", thresholds=stated)
    write_network(tmp_path, name="toy2", thresholds={"scan": 0.2})
    assert load_card(both).has_default_thresholds is default


def test_six_numbers_may_be_a_list_one_number_or_a_mapping_by_label(tmp_path: Path) -> None:
    by_label = {"SDH": 0.6, "any": 0.1, "EDH": 0.2, "IPH": 0.3, "IVH": 0.4, "SAH": 0.5}
    thresholds = {"slice": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], "scan": 0.25, "mask": by_label}
    card = load_card(write(tmp_path, card_fields(SHA, thresholds=thresholds)))
    assert card.thresholds.slice == card.thresholds.mask == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
    assert card.thresholds.scan == (0.25,) * 6


def test_a_checksum_may_be_written_in_capitals(tmp_path: Path) -> None:
    assert load_card(write(tmp_path, card_fields("AB" * 32))).sha256 == "ab" * 32


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"input": {"sise": 224}}, "input.sise"),
        ({"input": {"windows": [[40, 0]]}}, "input.windows.0.1"),
        ({"input": {"windows": []}}, "input.windows"),
        ({"input": {"mean": [0.1, 0.2, 0.3]}}, "input"),
        ({"input": {"std": [0.0]}}, "input.std.0"),
        ({"input": {"size": "big"}}, "input.size"),
        ({"input": {"crop": "heart"}}, "input.crop"),
        ({"sha256": "abc"}, "sha256"),
        ({"onnx": "../elsewhere/toy.onnx"}, "onnx"),
        ({"labels": ["any", "EDH"]}, "labels"),
        ({"schema": 2}, "schema"),
        ({"calibration": {"temperature": [1, 1, 1]}}, "calibration.temperature"),
        ({"calibration": {"temperature": 0}}, "calibration.temperature.0"),
        ({"calibration": {"bias": float("nan")}}, "calibration.bias.0"),
        ({"calibration": {"gate": 1.5}}, "calibration.gate"),
        ({"thresholds": {"scan": 1.5}}, "thresholds.scan.0"),
        ({"thresholds": {"mask": {"any": 0.5}}}, "thresholds.mask"),
        ({"scan": {"method": "vote"}}, "scan.method"),
        ({"scan": {"method": "head"}}, "scan"),
        ({"scan": {"neighbours": -0.1}}, "scan.neighbours"),
        ({"scan": {"method": "head", "onnx": "h.onnx", "sha256": SHA, "neighbours": 1}}, "scan"),
        ({"scan": {"method": "head", "onnx": "h.onnx", "sha256": SHA}}, "outputs.features"),
        ({"average_to_mm": -5}, "average_to_mm"),
        ({"mask_edges_mm": 0}, "mask_edges_mm"),
        ({"mask_edges_mm": 3, "input": BESIDE}, "mask_edges_mm"),
    ],
)
def test_a_wrong_field_is_named_with_the_file(
    tmp_path: Path, changes: dict[str, Any], field: str
) -> None:
    path = write(tmp_path, card_fields(SHA, **changes))
    with pytest.raises(ModelError) as caught:
        load_card(path)
    message = str(caught.value)
    assert str(path) in message
    assert field in message
    assert "correct the model card" in message
    assert "\n" not in message
    assert caught.value.exit_code == ExitCode.USAGE


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    fields = card_fields(SHA)
    del fields["licence"]
    with pytest.raises(ModelError, match="field licence: is missing"):
        load_card(write(tmp_path, fields))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"name: [1, 2", "not valid YAML at line"),
        (b"\xff\xfe\x00\x01", "not valid YAML"),
        (b"just a sentence", "mapping of fields"),
        (b"", "mapping of fields"),
        (b"!!python/object/apply:os.getcwd []", "not valid YAML"),
        (b"#" * 1_000_001, "too large"),
        (b"[" * 2_000, "not valid YAML"),
    ],
    ids=["torn", "binary", "text", "empty", "code", "large", "deep"],
)
def test_what_is_no_card_is_refused_in_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "toy.yaml"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=words) as caught:
        load_card(path)
    assert "\n" not in str(caught.value)


def test_a_card_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot read the model card"):
        load_card(tmp_path / "none.yaml")


def test_the_fingerprint_changes_with_the_answers_and_with_nothing_else(tmp_path: Path) -> None:
    def fingerprint(**changes: Any) -> str:
        return load_card(write(tmp_path, card_fields(SHA, **changes))).fingerprint

    plain = fingerprint()
    assert fingerprint(notes="more", metrics={"auc": 0.9}, version="2") == plain
    others = [
        fingerprint(thresholds={"scan": 0.4}),
        fingerprint(calibration={"bias": 0.1}),
        fingerprint(calibration={"gate": 0.5}),
        fingerprint(input={"crop": "head"}),
        fingerprint(average_to_mm=5),
        fingerprint(mask_edges_mm=3),
        fingerprint(sha256="1" * 64),
        fingerprint(scan={"rank": 3}),
    ]
    assert len({plain, *others}) == 1 + len(others)


def test_the_card_in_the_documentation_is_a_valid_one(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "model-card.md").read_text(encoding="utf-8")
    path = tmp_path / "mine.yaml"
    path.write_text(text.split("```yaml\n")[1].split("```")[0], encoding="utf-8")
    card = load_card(path)
    assert card.thresholds.scan == (0.3, 0.4, 0.4, 0.4, 0.4, 0.4)
    named = set(re.findall(r"`([a-z_]+)`", text.split("Further fields")[1].split("From Python")[0]))
    assert named <= set(Card.model_fields)


def test_the_ensemble_in_the_documentation_is_a_valid_one(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "model-card.md").read_text(encoding="utf-8")
    for name in ("resnet", "vit"):
        write_network(tmp_path, name=name)
    path = tmp_path / "both.yaml"
    path.write_text(text.split("```yaml\n")[2].split("```")[0], encoding="utf-8")
    card = load_card(path)
    assert isinstance(card, EnsembleCard)
    assert card.members == ("resnet.yaml", "vit.yaml")
    told = text.split("in place of ")[1].split(":")[0]
    assert set(re.findall(r"`([a-z0-9_]+)`", told)) == set(OF_ONE_NETWORK)


def test_the_documentation_names_every_field() -> None:
    text = (Path(__file__).parents[2] / "docs" / "model-card.md").read_text(encoding="utf-8")
    parts = (Card, InputSpec, OutputSpec, ScanSpec, Calibration, Thresholds)
    fields = {f.alias or name for part in parts for name, f in part.model_fields.items()}
    assert {field for field in fields if field not in text} == set()
