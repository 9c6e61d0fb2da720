"""``ich calibrate``: a local card beside the original, or a refusal that says what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from ich_cli.cli import build_app
from ich_cli.commands._calibrate import slice_mm
from ich_cli.evaluation.results import Answer, ScoredScan, ScoredSlice
from ich_cli.models.card import Card, EnsembleCard, load_card
from tests.evaluation.simulated import simulate, write_labels, write_results

CARD = {
    "schema": 1,
    "name": "resnet",
    "version": "1",
    "onnx": "resnet.onnx",
    "sha256": "a" * 64,
    "licence": "test",
    "intended_use": "test",
    "input": {"size": 64, "windows": [[40, 80]]},
    "calibration": {"temperature": 1.5, "bias": 0.25},
    "thresholds": {"scan": 0.5, "slice": 0.5, "mask": 0.3},
    "scan": {"method": "rank", "rank": 2},
}


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "resnet.yaml").write_text(yaml.safe_dump(CARD))
    monkeypatch.setenv("ICH_WEIGHTS", str(folder))
    return folder


def _run(*args: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(build_app("calibrate"), ["calibrate", *map(str, args)])
    return result.exit_code, result.stdout, result.stderr


def test_a_local_card_beside_the_original(tmp_path: Path, weights: Path) -> None:
    sim = simulate(180)
    results = write_results(sim, tmp_path / "results.json")
    labels = write_labels(sim, tmp_path / "labels.csv")
    original = (weights / "resnet.yaml").read_bytes()
    code, out, err = _run(results, labels)
    assert code == 0, err
    assert "Local calibration" in out
    assert (weights / "resnet.yaml").read_bytes() == original
    card, before = load_card(weights / "resnet-local.yaml"), load_card(weights / "resnet.yaml")
    assert isinstance(card, Card)
    assert (card.name, card.onnx, card.sha256) == ("resnet-local", "resnet.onnx", "a" * 64)
    assert card.calibration.temperature[0] != before.calibration.temperature[0]
    assert card.calibration.bias == before.calibration.bias
    assert card.thresholds.mask == before.thresholds.mask
    record = card.metrics["local_calibration"]
    assert record["operating_point"] == "sensitivity 0.95"
    assert record["scans"] == 180
    assert record["labels"]["any"]["positives"] == 60
    assert "unchanged" in record["labels"]["EDH"]  # twelve scans are too few for it
    low, high = record["labels"]["any"]["held_out_sensitivity"][1:]
    assert low < 0.95 <= high
    log_before, log_after = record["labels"]["any"]["log_loss_before_after"]
    assert log_after < log_before


def test_slices_count_by_their_own_length() -> None:
    at = (0.0, 2.0, 4.0, 8.0, 12.0, 16.0)
    tilted = [ScoredSlice(str(z), {}, (0.0, round(0.2679 * z, 3), z)) for z in at]
    assert _lengths(tilted, 4.0) == pytest.approx([2, 2, 3, 4, 4, 4])
    assert _lengths([ScoredSlice("1", {}), tilted[1]], 4.0) == [4, 4]
    assert _lengths(tilted[:1], 4.0) == [4]


def _lengths(slices: list[ScoredSlice], spacing_mm: float) -> list[float]:
    scan = ScoredScan(
        *("1", "1.1", 0, "p", "positive", None, Answer(), tuple(slices)),
        **dict.fromkeys(("reader", "tier", "opinion", "model", "model_sha256")),
        acquisition={"spacing_mm": [spacing_mm, 0.5, 0.5]},
    )
    return list(slice_mm(scan))


def test_never_over_a_card_that_is_there(tmp_path: Path, weights: Path) -> None:
    sim = simulate(180)
    results = write_results(sim, tmp_path / "results.json")
    labels = write_labels(sim, tmp_path / "labels.csv")
    for name, told in (
        ("resnet", "is there already"),
        ("../x", "no name for a card"),
        ("a; b", "no name"),
    ):
        code, _, err = _run(results, labels, "--name", name)
        assert code == 2
        assert told in err
    assert [p.name for p in weights.iterdir()] == ["resnet.yaml"]


def test_too_few_positives_are_refused_with_the_number_needed(
    tmp_path: Path, weights: Path
) -> None:
    sim = simulate(30)
    results = write_results(sim, tmp_path / "results.json")
    labels = write_labels(sim, tmp_path / "labels.csv")
    code, _, err = _run(results, labels)
    assert code == 2
    assert "only 10 labelled scans with blood" in err
    assert "are needed" in err
    assert len(err.strip().splitlines()) == 1
    assert not (weights / "resnet-local.yaml").exists()


def test_results_of_other_weights_are_refused(tmp_path: Path, weights: Path) -> None:
    (weights / "resnet.yaml").write_text(yaml.safe_dump({**CARD, "sha256": "b" * 64}))
    sim = simulate(6)
    results = write_results(sim, tmp_path / "results.json")
    labels = write_labels(sim, tmp_path / "labels.csv")
    code, _, err = _run(results, labels)
    assert code == 2
    assert "other weights" in err


def test_an_ensemble_is_calibrated_as_a_whole(tmp_path: Path, weights: Path) -> None:
    (weights / "vit.yaml").write_text(yaml.safe_dump({**CARD, "name": "vit", "sha256": "b" * 64}))
    of_one_network = ("onnx", "sha256", "input")
    fields = {key: value for key, value in CARD.items() if key not in of_one_network}
    fields |= {"name": "both", "members": ["resnet.yaml", "vit.yaml"]}
    (weights / "both.yaml").write_text(yaml.safe_dump(fields))
    before = load_card(weights / "both.yaml")
    sim = simulate(180)
    results = write_results(sim, tmp_path / "results.json")
    text = results.read_text().replace('"resnet"', '"both"').replace("a" * 64, before.sha256)
    results.write_text(text)
    code, _, err = _run(results, write_labels(sim, tmp_path / "labels.csv"))
    assert code == 0, err
    card = load_card(weights / "both-local.yaml")
    assert isinstance(card, EnsembleCard)
    assert card.members == ("resnet.yaml", "vit.yaml")
    assert card.sha256 == before.sha256
    assert card.fingerprint != before.fingerprint
    assert card.calibration.temperature[0] != before.calibration.temperature[0]
    # The card of a member that has been exchanged is another ensemble.
    (weights / "vit.yaml").write_text(yaml.safe_dump({**CARD, "name": "vit", "sha256": "c" * 64}))
    code, _, err = _run(results, tmp_path / "labels.csv", "--name", "again")
    assert code == 2
    assert "other weights" in err
