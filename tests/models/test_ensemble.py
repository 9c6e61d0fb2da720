"""Several networks give one answer: means of log-odds and of masks, on the device asked for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ich_cli
from ich_cli.errors import DeviceError, ModelError, UsageError
from ich_cli.models import cuda
from ich_cli.models.calibration import logits
from ich_cli.models.card import Card, EnsembleCard, load_card
from ich_cli.models.model import Model
from ich_cli.models.restore import MeanMasks
from tests.models.toy import (
    add_head,
    mean_network,
    sequence_head,
    write_ensemble,
    write_network,
)

SPACING = (5.0, 0.5, 0.5)


def load(path: Path, **options: Any) -> Model:
    return ich_cli.load_model(str(path), device="cpu", threads=1, **options)


def head(n: int = 5, side: int = 64) -> np.ndarray:
    """Brain of some 30 HU with a clot of 75 HU on slice 1."""
    hu = np.random.default_rng(0).normal(30, 8, (n, side, side)).astype(np.float32)
    hu[1, 16:32, 40:48] = 75.0
    return hu


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """``a`` and ``b`` differ in weights, size and calibration."""
    write_network(tmp_path, mean_network(scale=3.0), name="a", calibration={"bias": 0.5})
    write_network(
        tmp_path,
        mean_network(48, scale=-2.0),
        name="b",
        input={"size": 48},
        calibration={"temperature": 2.0},
    )
    return tmp_path


class TestAnswer:
    def test_log_odds_are_the_mean_of_the_members_calibrated_ones(self, folder: Path) -> None:
        a, b = (load(folder / f"{name}.yaml").predict(head(), SPACING).probs for name in "ab")
        both = load(write_ensemble(folder, "a", "b")).predict(head(), SPACING).probs
        assert both.shape == (5, 6)
        assert both.dtype == np.float32
        np.testing.assert_allclose(logits(both), (logits(a) + logits(b)) / 2, atol=1e-4)

    def test_its_own_calibration_comes_on_top(self, folder: Path) -> None:
        plain = load(write_ensemble(folder, "a", "b")).predict(head(), SPACING).probs
        calibration = {"temperature": 2.0, "bias": [1, 0, 0, 0, 0, -1]}
        card = write_ensemble(folder, "a", "b", calibration=calibration)
        found = load(card).predict(head(), SPACING).probs
        expected = (logits(plain) + np.array(calibration["bias"])) / 2
        np.testing.assert_allclose(logits(found), expected, atol=1e-4)

    def test_three_members_count_alike(self, folder: Path) -> None:
        write_network(folder, mean_network(scale=9.0), name="c")
        single = [load(folder / f"{name}.yaml").predict(head(), SPACING).probs for name in "abc"]
        found = load(write_ensemble(folder, "a", "b", "c")).predict(head(), SPACING).probs
        mean = np.mean([logits(probs) for probs in single], axis=0)
        np.testing.assert_allclose(logits(found), mean, atol=1e-4)

    def test_a_member_that_is_sure_beyond_numbers_does_not_break_the_mean(
        self, folder: Path
    ) -> None:
        write_network(folder, name="sure", calibration={"bias": [99, -99, 0, 0, 0, 0]})
        found = load(write_ensemble(folder, "a", "sure")).predict(head(), SPACING).probs
        assert np.isfinite(found).all()
        assert (found[:, 0] > 0.9).all()
        assert (found[:, 1] < 0.1).all()

    def test_there_is_no_heat_and_no_answer_for_the_scan(self, folder: Path) -> None:
        """A member's scan head refines its slices; its word on the scan is not asked for."""
        refined = load(add_head(folder / "a.yaml", sequence_head())).predict(head(), SPACING)
        other = load(folder / "b.yaml").predict(head(), SPACING)
        found = load(write_ensemble(folder, "a", "b")).predict(head(), SPACING)
        assert found.heat is None
        assert found.scan_probs is None
        mean = (logits(refined.probs) + logits(other.probs)) / 2
        np.testing.assert_allclose(logits(found.probs), mean, atol=1e-4)

    @pytest.mark.parametrize("shape", [(1, 512, 512), (2, 33, 57)])
    def test_any_number_of_slices_of_any_size(
        self, folder: Path, shape: tuple[int, int, int]
    ) -> None:
        found = load(write_ensemble(folder, "a", "b")).predict(np.zeros(shape, np.int16), SPACING)
        assert found.probs.shape == (shape[0], 6)
        assert found.masks is not None
        assert found.masks.shape == (shape[0], 6, *shape[1:])


class TestMasks:
    @pytest.mark.parametrize("spacing", [SPACING, (1.0, 0.5, 0.5)], ids=["thick", "thin"])
    def test_they_are_the_mean_of_the_members_masks(
        self, folder: Path, spacing: tuple[float, float, float]
    ) -> None:
        write_network(folder, name="slabs", average_to_mm=5.0)
        a, b = (load(folder / f"{n}.yaml").predict(head(), spacing).masks for n in ("a", "slabs"))
        both = load(write_ensemble(folder, "a", "slabs"))
        whole = both.predict(head(), spacing).masks
        lazy = both.predict(head(), spacing, lazy_masks=True).masks
        assert isinstance(whole, np.ndarray)
        assert isinstance(lazy, MeanMasks)
        assert a is not None
        assert b is not None
        np.testing.assert_allclose(whole, (a + b) / 2, atol=1e-6)
        np.testing.assert_array_equal(np.asarray(lazy), whole)

    def test_members_without_masks_have_no_say_in_them(self, folder: Path) -> None:
        alone = load(folder / "a.yaml").predict(head(), SPACING).masks
        write_network(folder, name="blind", outputs={"mask": None})
        write_network(folder, name="blind2", outputs={"mask": None})
        found = load(write_ensemble(folder, "blind", "a")).predict(head(), SPACING).masks
        np.testing.assert_array_equal(found, alone)
        none = load(write_ensemble(folder, "blind", "blind2")).predict(head(), SPACING)
        assert none.masks is None

    def test_a_long_series_needs_little_memory_when_they_are_lazy(self, tmp_path: Path) -> None:
        for name, width in (("a", 40), ("b", 30)):
            write_network(tmp_path, name=name, input={"slices": [0], "windows": [[60, width]] * 6})
        code = f"""
import resource, numpy as np, ich_cli
model = ich_cli.load_model({str(write_ensemble(tmp_path, "a", "b"))!r}, device="cpu", threads=1)
hu = np.full((60, 512, 512), 20, np.int16)
hu[40:50, 200:260, 200:260] = 75
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
masks = model.predict(hu, (5.0, 1.0, 1.0), lazy_masks=True).masks
assert masks.shape == (60, 6, 512, 512) and masks[45, 0, 230, 230] > 0.9
assert sum((masks[z, 0] > 0.5).sum() for z in range(38, 52)) > 30_000
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((after - before) // 1024)
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert int(done.stdout) < 150  # MB; one array would be 360


class TestDevice:
    def test_all_members_run_where_it_was_asked_for(self, folder: Path) -> None:
        both = load(write_ensemble(folder, "a", "b"), batch=3)
        assert both.provider == "CPUExecutionProvider"
        assert (both.precision, both.batch) == ("fp32", 3)

    def test_where_members_differ_both_are_named(self, folder: Path) -> None:
        write_network(folder, mean_network(half=True), name="half", batch=5)
        both = load(write_ensemble(folder, "a", "half"))
        assert both.precision == "fp32, fp16"
        assert both.batch == 8

    @pytest.mark.skipif(bool(cuda.gpus()), reason="this machine has a GPU")
    def test_cuda_that_is_not_there_is_an_error_and_never_the_cpu(self, folder: Path) -> None:
        with pytest.raises(DeviceError, match="cuda:0"):
            ich_cli.load_model(str(write_ensemble(folder, "a", "b")), device="cuda")

    def test_a_batch_of_none_is_refused(self, folder: Path) -> None:
        with pytest.raises(UsageError, match="batch"):
            load(write_ensemble(folder, "a", "b"), batch=0)


class TestWeights:
    def test_those_of_every_member_are_verified(self, folder: Path) -> None:
        card = write_ensemble(folder, "a", "b")
        (folder / "b.onnx").write_bytes(b"something else")
        with pytest.raises(ModelError, match=r"b\.onnx: checksum mismatch"):
            load(card)

    def test_the_ensembles_own_sha256_is_that_of_its_members_in_order(self, folder: Path) -> None:
        card = load_card(write_ensemble(folder, "a", "b"))
        cards = [load_card(folder / f"{name}.yaml") for name in "ab"]
        shell = f"printf %s {cards[0].sha256} {cards[1].sha256} | sha256sum"
        said = subprocess.run(shell, shell=True, capture_output=True, text=True, check=True).stdout
        assert card.sha256 == said.split()[0]


class TestCard:
    def test_it_holds_those_of_its_members(self, folder: Path) -> None:
        card = load_card(write_ensemble(folder, "a", "b", thresholds={"scan": 0.3}))
        assert isinstance(card, EnsembleCard)
        assert [type(one) for one in card.cards] == [Card, Card]
        assert [one.name for one in card.cards] == ["a", "b"]
        assert card.thresholds.scan == (0.3,) * 6
        assert "cards" not in card.model_dump()

    def test_its_fingerprint_changes_with_whatever_changes_an_answer(self, folder: Path) -> None:
        def fingerprint(**changes: Any) -> str:
            return load_card(write_ensemble(folder, "a", "b", **changes)).fingerprint

        plain = fingerprint()
        assert fingerprint(notes="more", metrics={"auc": 0.9}, version="2") == plain
        others = [
            fingerprint(thresholds={"mask": 0.4}),
            fingerprint(calibration={"bias": 0.1}),
            fingerprint(scan={"rank": 3}),
            fingerprint(members=["b.yaml", "a.yaml"]),
        ]
        write_network(folder, mean_network(scale=3.0), name="a", calibration={"bias": 0.6})
        others.append(fingerprint())
        write_network(folder, mean_network(scale=3.5), name="a", calibration={"bias": 0.5})
        others.append(fingerprint())
        assert len({plain, *others}) == 1 + len(others)

    def test_a_members_prose_changes_nothing(self, folder: Path) -> None:
        card = write_ensemble(folder, "a", "b")
        before = load_card(card).fingerprint
        write_network(
            folder, mean_network(scale=3.0), name="a", calibration={"bias": 0.5}, notes="more"
        )
        assert load_card(card).fingerprint == before


def alone(folder: Path) -> Path:
    return write_ensemble(folder, "a")


def twice(folder: Path) -> Path:
    return write_ensemble(folder, "a", "a")


def elsewhere(folder: Path) -> Path:
    return write_ensemble(folder, "a", "../b")


def missing(folder: Path) -> Path:
    return write_ensemble(folder, "a", "c")


def broken(folder: Path) -> Path:
    write_network(folder, name="c", colour="red")
    return write_ensemble(folder, "a", "c")


def nested(folder: Path) -> Path:
    write_ensemble(folder, "a", "b", name="inner")
    return write_ensemble(folder, "a", "inner")


def itself(folder: Path) -> Path:
    return write_ensemble(folder, "a", "both")


def with_weights(folder: Path) -> Path:
    return write_ensemble(folder, "a", "b", onnx="a.onnx", sha256="0" * 64)


def with_cards(folder: Path) -> Path:
    return write_ensemble(folder, "a", "b", cards=[])


def with_scan_head(folder: Path) -> Path:
    scan = {"method": "head", "onnx": "head.onnx", "sha256": "0" * 64}
    return write_ensemble(folder, "a", "b", scan=scan)


def leaning(folder: Path) -> Path:
    return write_ensemble(folder, "a", "b", scan={"neighbours": 0.2})


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (alone, r"field members: .*at least 2"),
        (twice, "members must be different networks"),
        (elsewhere, r"field members\.1"),
        (missing, r"field members: .*c\.yaml: cannot read the model card"),
        (broken, r"field members: .*c\.yaml: field colour: is not a field"),
        (nested, r"field members: inner\.yaml has members itself"),
        (itself, r"field members: both\.yaml has members itself"),
        (with_weights, "field onnx: is not a field of a card that has members"),
        (with_cards, "field cards: is not a field of a card that has members"),
        (with_scan_head, "scan.method 'head' is for one network"),
        (leaning, "scan.neighbours is for one network"),
    ],
)
def test_a_bad_card_is_refused_in_one_line(
    folder: Path, bad: Callable[[Path], Path], words: str
) -> None:
    path = bad(folder)
    with pytest.raises(ModelError, match=words) as caught:
        load_card(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
