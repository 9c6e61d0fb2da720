from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import numpy_helper

from ich_cli.errors import ModelError
from ich_cli.models.finite import NotFiniteError
from tests.models.toy import (
    SPACING,
    add_head,
    load,
    logit,
    mean_network,
    ramp,
    sequence_head,
    write_network,
)


@pytest.mark.parametrize("with_mask", [True, False])
def test_a_head_refines_the_slices_and_judges_the_scan(tmp_path: Path, with_mask: bool) -> None:
    plain = load(write_network(tmp_path / "a")).predict(ramp(5), SPACING)
    card = add_head(
        write_network(tmp_path / "b"),
        sequence_head(with_mask=with_mask),
        calibration={"bias": 0.25},
    )
    found = load(card).predict(ramp(5), SPACING)
    np.testing.assert_allclose(logit(found.probs), logit(plain.probs) - 1, atol=1e-4)
    assert found.scan_probs is not None
    np.testing.assert_allclose(
        logit(found.scan_probs), logit(plain.probs).mean(axis=0) + 0.25, atol=1e-4
    )


@pytest.mark.parametrize("n", [1, 2])
def test_with_fewer_than_three_slices_they_speak_for_themselves(tmp_path: Path, n: int) -> None:
    plain = load(write_network(tmp_path / "a")).predict(ramp(n), SPACING)
    card = add_head(write_network(tmp_path / "b"), sequence_head())
    found = load(card).predict(ramp(n), SPACING)
    assert found.scan_probs is None
    np.testing.assert_allclose(found.probs, plain.probs)


def test_a_heads_file_is_checked_like_the_network(tmp_path: Path) -> None:
    card = add_head(write_network(tmp_path), sequence_head())
    card.with_name("head.onnx").write_bytes(b"something else")
    with pytest.raises(ModelError, match=r"head\.onnx: checksum mismatch"):
        load(card)


def test_a_head_must_take_as_many_features_as_the_network_gives(tmp_path: Path) -> None:
    card = add_head(write_network(tmp_path), sequence_head(width=7))
    with pytest.raises(ModelError, match=r"takes 7 features a slice, toy\.onnx gives 6"):
        load(card)


def test_a_heads_nonsense_is_told_with_its_own_file(tmp_path: Path) -> None:
    model = sequence_head(with_mask=False)
    model.graph.initializer[0].CopyFrom(
        numpy_helper.from_array(np.array(np.inf, np.float32), "one")
    )
    card = add_head(write_network(tmp_path), model)
    with pytest.raises(NotFiniteError, match=r"output slice_logits of head\.onnx"):
        load(card).predict(np.zeros((4, 32, 32), np.float32), SPACING)


def test_a_heads_tensors_are_checked(tmp_path: Path) -> None:
    card = add_head(write_network(tmp_path), mean_network())
    with pytest.raises(ModelError, match=r"scan\.features"):
        load(card)
