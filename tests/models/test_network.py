from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from ich_cli.domain import LABELS
from ich_cli.errors import ModelError, UsageError
from ich_cli.models.finite import NotFiniteError
from ich_cli.models.restore import SoftMasks
from tests.models.toy import SPACING, load, logit, mean_network, ramp, write_network


def blood(n: int = 4, side: int = 64) -> np.ndarray:
    """Brain of 30 HU with a clot of 75 HU on slice 1."""
    hu = np.full((n, side, side), 30.0, np.float32)
    hu[1, 16:32, 40:48] = 75.0
    return hu


def test_probabilities_follow_from_windows_neighbours_and_calibration(tmp_path: Path) -> None:
    calibration = {"temperature": [1, 2, 1, 1, 1, 1], "bias": [0, 0, 0.5, 0, 0, 0]}
    network = load(write_network(tmp_path, calibration=calibration))
    probs = network.predict(ramp(5), SPACING).probs
    assert probs.shape == (5, 6)
    assert probs.dtype == np.float32
    brain, wide = 2 / 80, 2 / 1000
    expected = [1 * brain, 1 * wide / 2, 2 * brain + 0.5, 2 * wide, 3 * brain, 3 * wide]
    np.testing.assert_allclose(logit(probs[2]), expected, atol=1e-5)


def test_outputs_are_put_into_the_projects_label_order(tmp_path: Path) -> None:
    labels = ["EDH", "IPH", "IVH", "SAH", "SDH", "any"]
    plain = load(write_network(tmp_path / "a", mean_network())).predict(blood(), SPACING)
    other = load(write_network(tmp_path / "b", mean_network(), labels=labels))
    got = other.predict(blood(), SPACING)
    order = [labels.index(label) for label in LABELS]
    np.testing.assert_allclose(got.probs, plain.probs[:, order])
    np.testing.assert_allclose(got.masks, plain.masks[:, order])


def test_masks_lie_on_the_inputs_own_grid(tmp_path: Path) -> None:
    found = load(write_network(tmp_path)).predict(blood(), SPACING)
    assert found.masks is not None
    assert found.masks.shape == (4, 6, 64, 64)
    assert found.masks.dtype == np.float32
    assert 0 <= found.masks.min() <= found.masks.max() <= 1
    inside = found.masks[1, 2] > 0.5
    rows, columns = np.nonzero(inside)
    assert abs(rows.min() - 16) <= 1
    assert abs(rows.max() - 31) <= 1
    assert abs(columns.min() - 40) <= 1
    assert abs(columns.max() - 47) <= 1
    # Channel 4 is the next slice in the brain window, channel 0 the one before.
    assert (found.masks[0, 4] > 0.5).any()
    assert (found.masks[2, 0] > 0.5).any()
    assert not (found.masks[3] > 0.5).any()


def test_a_head_crop_is_undone(tmp_path: Path) -> None:
    hu = np.full((2, 128, 160), -1000.0, np.float32)
    hu[:, 10:118, 30:120] = 30.0
    hu[:, 50:70, 60:80] = 75.0
    card = write_network(
        tmp_path, mean_network(64), input={"size": 64, "crop": "head", "windows": [[40, 80]] * 2}
    )
    masks = load(card).predict(hu, (5.0, 1.5, 1.5)).masks
    assert masks is not None
    rows, columns = np.nonzero(masks[0, 2] > 0.5)
    assert np.abs([rows.min() - 50, rows.max() - 69]).max() <= 3
    assert np.abs([columns.min() - 60, columns.max() - 79]).max() <= 3


def test_a_network_without_a_mask_gives_none(tmp_path: Path) -> None:
    found = load(write_network(tmp_path, outputs={"mask": None})).predict(blood(), SPACING)
    assert found.masks is None
    assert found.heat is None
    assert found.scan_probs is None


def test_a_classifiers_activation_map_becomes_heat(tmp_path: Path) -> None:
    card = write_network(
        tmp_path,
        outputs={"mask": None, "cam": "cam"},
        input={"slices": [0], "windows": [[40, 80]] * 6},
    )
    heat = load(card).predict(blood(), SPACING).heat
    assert heat is not None
    assert heat.shape == (4, 64, 64)
    assert heat.min() >= 0
    assert heat.max() == pytest.approx(1, abs=0.02)
    z, y, x = np.unravel_index(heat.argmax(), heat.shape)
    assert z == 1
    assert 16 <= y < 32
    assert 40 <= x < 48


@pytest.mark.parametrize("shape", [(1, 512, 512), (1, 16, 40), (2, 33, 57), (37, 64, 64)])
def test_any_number_of_slices_of_any_size(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    hu = np.random.default_rng(0).normal(30, 20, shape).astype(np.float32)
    found = load(write_network(tmp_path)).predict(hu, SPACING)
    assert found.probs.shape == (shape[0], 6)
    assert found.masks is not None
    assert found.masks.shape == (shape[0], 6, *shape[1:])


@pytest.mark.parametrize("batch", [1, 3, 7, 64])
def test_the_batch_size_does_not_change_the_answer(tmp_path: Path, batch: int) -> None:
    card = write_network(tmp_path)
    hu = np.random.default_rng(1).normal(30, 20, (7, 40, 40)).astype(np.float32)
    one, other = (load(card, batch=b).predict(hu, SPACING) for b in (2, batch))
    np.testing.assert_allclose(other.probs, one.probs, atol=1e-6)
    np.testing.assert_allclose(other.masks, one.masks, atol=1e-5)


def test_a_stack_fed_from_the_other_end_gets_the_same_answers(tmp_path: Path) -> None:
    symmetric = write_network(tmp_path, input={"slices": [0], "windows": [[40, 80]] * 6})
    hu = np.random.default_rng(2).normal(30, 20, (9, 40, 40)).astype(np.float32)
    network = load(symmetric)
    forth, back = network.predict(hu, SPACING), network.predict(hu[::-1], SPACING)
    np.testing.assert_allclose(back.probs[::-1], forth.probs, atol=1e-6)
    np.testing.assert_allclose(back.masks[::-1], forth.masks, atol=1e-5)


def test_a_network_exported_for_one_batch_size_keeps_it(tmp_path: Path) -> None:
    hu = np.random.default_rng(3).normal(30, 20, (7, 40, 40)).astype(np.float32)
    free = load(write_network(tmp_path / "free")).predict(hu, SPACING)
    fixed = load(write_network(tmp_path / "fixed", mean_network(batch=4)), batch=2)
    assert fixed.batch == 4
    np.testing.assert_allclose(fixed.predict(hu, SPACING).probs, free.probs, atol=1e-6)


def test_channels_last_and_half_precision_networks(tmp_path: Path) -> None:
    plain = load(write_network(tmp_path / "a")).predict(blood(), SPACING)
    last = load(write_network(tmp_path / "b", mean_network(nhwc=True), input={"layout": "NHWC"}))
    got = last.predict(blood(), SPACING)
    np.testing.assert_allclose(got.probs, plain.probs, atol=1e-6)
    np.testing.assert_allclose(got.masks, plain.masks, atol=1e-5)
    half = load(write_network(tmp_path / "c", mean_network(half=True)))
    assert half.precision == "fp16"
    np.testing.assert_allclose(half.predict(blood(), SPACING).probs, plain.probs, atol=2e-3)


def test_thin_series_are_averaged_and_the_answer_spread_back(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"input": {"slices": [0], "windows": [[40, 80]] * 6}}
    thin = load(write_network(tmp_path, average_to_mm=5.0, **changes))
    hu = ramp(10)
    found = thin.predict(hu, (1.0, 0.5, 0.5))
    assert found.probs.shape == (10, 6)
    np.testing.assert_allclose(logit(found.probs[:5, 0]) * 80, [4.0] * 5, atol=1e-3)
    np.testing.assert_allclose(logit(found.probs[5:, 0]) * 80, [14.0] * 5, atol=1e-3)
    thick = thin.predict(hu, SPACING)
    np.testing.assert_allclose(logit(thick.probs[:, 0]) * 80, hu[:, 0, 0], atol=1e-3)


def test_the_mask_of_a_slab_is_on_each_of_its_slices(tmp_path: Path) -> None:
    hu = np.full((12, 64, 64), 30.0, np.float32)
    hu[4:8, 16:32, 16:32] = 75.0
    card = write_network(
        tmp_path, average_to_mm=4.0, input={"slices": [0], "windows": [[40, 80]] * 6}
    )
    masks = load(card).predict(hu, (1.0, 0.5, 0.5)).masks
    assert masks is not None
    called = (masks[:, 0] > 0.5).sum(axis=(1, 2))
    np.testing.assert_allclose(called, [0] * 4 + [256] * 4 + [0] * 4, atol=40)


def test_masks_follow_the_edges_of_the_picture_where_the_card_says_so(tmp_path: Path) -> None:
    fields = {"input": {"size": 64, "slices": [0], "windows": [[40, 80]] * 6}}
    hu = np.roll(blood(), 1, axis=(1, 2))  # its edges lie within the mask's coarser pixels
    plain = load(write_network(tmp_path / "a", mean_network(64), **fields))
    card = write_network(tmp_path / "b", mean_network(64), **fields, mask_edges_mm=1.5)
    masks = load(card).predict(hu, SPACING).masks
    lazy = load(card).predict(hu, SPACING, lazy_masks=True).masks
    before = plain.predict(hu, SPACING).masks
    assert masks is not None
    assert before is not None
    np.testing.assert_array_equal(np.asarray(lazy), masks)
    clot = hu[1] > 70
    assert abs(masks[1, 0] - clot).mean() < abs(before[1, 0] - clot).mean()


def test_slices_lean_on_their_neighbours_as_far_away_as_the_card_says(tmp_path: Path) -> None:
    spec = {"slices": [0], "windows": [[40, 80]] * 6, "neighbour_mm": 5.0}
    card = write_network(tmp_path / "a", input=spec)
    leaning = write_network(tmp_path / "b", input=spec, scan={"neighbours": 0.5})
    hu, spacing_mm = ramp(7) ** 2 / 4, (2.5, 0.5, 0.5)
    alone = logit(load(card).predict(hu, spacing_mm).probs)
    found = logit(load(leaning).predict(hu, spacing_mm).probs)
    np.testing.assert_allclose(found[3], (alone[3] + (alone[1] + alone[5]) / 2) / 2, atol=1e-4)
    assert abs(found[3] - alone[3]).max() > 0.01


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"input": {"name": "pixels"}}, r"input\.name.*'pixels'"),
        ({"input": {"size": 64}}, "N×6×64×64"),
        ({"input": {"slices": [0]}}, "N×2×32×32"),
        ({"input": {"layout": "NHWC"}}, "N×32×32×6"),
        ({"outputs": {"mask": "masks"}}, r"outputs\.mask.*no output 'masks'"),
    ],
)
def test_a_card_that_does_not_fit_its_network(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ModelError, match=words):
        load(write_network(tmp_path, **changes))


def test_a_network_that_takes_other_numbers_is_refused_before_the_first_scan(
    tmp_path: Path,
) -> None:
    model = mean_network()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    model.graph.input[0].name = "double"
    model.graph.node.insert(
        0, helper.make_node("Cast", ["double"], ["image"], to=TensorProto.FLOAT)
    )
    with pytest.raises(ModelError, match=r"takes a tensor\(double\), not float or float16"):
        load(write_network(tmp_path, model, input={"name": "double"}))


def test_an_output_of_the_wrong_shape(tmp_path: Path) -> None:
    card = write_network(tmp_path, outputs={"logits": "mask"})
    with pytest.raises(ModelError, match="output logits has the shape"):
        load(card).predict(blood(), SPACING)


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    card = write_network(tmp_path)
    onnx_file = card.with_suffix(".onnx")
    onnx_file.write_bytes(onnx_file.read_bytes() + b"\x00")
    with pytest.raises(ModelError, match="checksum mismatch"):
        load(card)


def test_a_network_that_answers_nonsense_is_an_error_and_never_a_negative(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["image"], ["mean"], keepdims=0, axes=[2, 3]),
            helper.make_node("Log", ["mean"], ["logits"]),
        ],
        "log",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 6, 32, 32])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 6])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    card = write_network(tmp_path, model, outputs={"mask": None})
    with pytest.raises(NotFiniteError, match=r"6 of 6 values of output logits of toy\.onnx"):
        load(card).predict(np.zeros((1, 32, 32), np.float32), SPACING)


@pytest.mark.parametrize(
    ("shape", "spacing", "words"),
    [
        ((32, 32), SPACING, "z, y, x"),
        ((0, 32, 32), SPACING, "no slice"),
        ((3, 8, 32), SPACING, "16 pixels"),
        ((3, 32, 32), (5.0, 0.5), "three positive"),
        ((3, 32, 32), (5.0, 0.0, 0.5), "three positive"),
        ((3, 32, 32), (float("nan"), 0.5, 0.5), "three positive"),
    ],
)
def test_what_is_no_volume_is_refused(
    tmp_path: Path, shape: tuple[int, ...], spacing: Any, words: str
) -> None:
    network = load(write_network(tmp_path))
    with pytest.raises(ValueError, match=words):
        network.predict(np.zeros(shape, np.float32), spacing)


def test_an_array_of_other_things_is_refused(tmp_path: Path) -> None:
    network = load(write_network(tmp_path))
    with pytest.raises(ValueError, match="real numbers"):
        network.predict(np.zeros((1, 32, 32), np.complex64), SPACING)


def test_the_input_is_left_as_it_was(tmp_path: Path) -> None:
    hu = blood()
    hu[0, 0, 0] = np.nan
    before = hu.copy()
    load(write_network(tmp_path, average_to_mm=5.0)).predict(hu, (1.0, 0.5, 0.5))
    np.testing.assert_array_equal(hu, before)


def test_a_batch_of_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="batch"):
        load(write_network(tmp_path), batch=0)


def test_lazy_masks_are_the_same_masks(tmp_path: Path) -> None:
    network = load(write_network(tmp_path, average_to_mm=5.0))
    hu = np.random.default_rng(4).normal(30, 20, (9, 40, 50)).astype(np.float32)
    for spacing in (SPACING, (1.0, 0.5, 0.5)):
        whole = network.predict(hu, spacing).masks
        lazy = network.predict(hu, spacing, lazy_masks=True).masks
        assert isinstance(whole, np.ndarray)
        assert isinstance(lazy, SoftMasks)
        np.testing.assert_array_equal(np.asarray(lazy), whole)


def test_a_long_series_needs_little_memory_when_masks_are_lazy(tmp_path: Path) -> None:
    card = write_network(tmp_path, input={"slices": [0], "windows": [[60, 40]] * 6})
    code = f"""
import resource, numpy as np, ich_cli
network = ich_cli.load_model({str(card)!r}, device="cpu", threads=1)
hu = np.full((60, 512, 512), 20, np.int16)
hu[40:50, 200:260, 200:260] = 75
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
masks = network.predict(hu, (5.0, 1.0, 1.0), lazy_masks=True).masks
assert masks.shape == (60, 6, 512, 512) and masks[45, 0, 230, 230] > 0.9
assert sum((masks[z, 0] > 0.5).sum() for z in range(38, 52)) > 30_000
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((after - before) // 1024)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 120  # MB; one array would be 360


def test_one_network_may_be_used_by_several_threads(tmp_path: Path) -> None:
    network = load(write_network(tmp_path, input={"crop": "head"}))
    volumes = [
        np.random.default_rng(seed).normal(30, 20, (5, 40, 40 + seed)).astype(np.float32)
        for seed in range(8)
    ]
    alone = [network.predict(hu, SPACING) for hu in volumes]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda hu: network.predict(hu, SPACING), volumes))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(other.probs, one.probs, atol=1e-6)
        np.testing.assert_allclose(other.masks, one.masks, atol=1e-5)
