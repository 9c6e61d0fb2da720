"""The network that reads slices together: either way round, any length, and by neighbours."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra (PyTorch)")

import onnxruntime
import torch

from training.nets.scan_head import ScanHead, to_onnx
from training.scan_head import Scan, fit, read


def scan(bleeds: bool, rng: np.random.Generator) -> Scan:
    """Twelve slices; blood is two neighbours, the decoy one bright slice alone."""
    logits = rng.normal(-3, 0.3, (12, 6)).astype(np.float32)
    labels = np.zeros((12, 6), np.int8)
    z = int(rng.integers(1, 10))
    logits[z, :3] = 1.5
    if bleeds:
        logits[z + 1, :3] = 1.5
        labels[z : z + 2, :3] = 1
    return Scan("someone", "ctich", 0, logits, labels)


def test_a_series_that_runs_vertex_first_is_read_alike() -> None:
    head = ScanHead().eval()
    torch.nn.init.uniform_(head.higher)
    torch.nn.init.uniform_(head.lower)
    x = torch.randn(1, 9, 6)
    with torch.no_grad():
        whole, slices = head(x)
        mirrored, backwards = head(x.flip(1))
    torch.testing.assert_close(whole, mirrored)
    torch.testing.assert_close(slices, backwards.flip(1))


def test_one_odd_slice_counts_less_than_two_neighbours() -> None:
    rng = np.random.default_rng(0)
    scans = [scan(bool(k % 2), rng) for k in range(60)]
    head = fit(scans[:40])
    found = np.array([read(head, s)[0][0] for s in scans[40:]])
    assert found[1::2].min() > found[::2].max()


def test_the_truth_of_a_scan_is_unknown_only_where_nobody_said() -> None:
    labels = np.array([[1, -1, 0, 0, 0, 0], [0, -1, 0, -1, 0, 0]], np.int8)
    truth = Scan("someone", "phe_sich", 0, labels.astype(np.float32), labels).truth
    assert truth.tolist() == [1, -1, 0, -1, 0, 0]


def test_the_exported_head_takes_any_number_of_slices() -> None:
    head = ScanHead().eval()
    session = onnxruntime.InferenceSession(to_onnx(head), providers=["CPUExecutionProvider"])
    for length in (3, 40):
        x = np.random.default_rng(0).normal(size=(1, length, 6)).astype(np.float32)
        whole, slices = session.run(["scan_logits", "slice_logits"], {"features": x})
        with torch.no_grad():
            expected = head(torch.from_numpy(x))
        np.testing.assert_allclose(whole, expected[0].numpy(), atol=1e-4)
        np.testing.assert_allclose(slices, expected[1].numpy(), atol=1e-4)
