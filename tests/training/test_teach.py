"""Second opinions belong to the slices of one cache."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="needs the training extra (PyTorch)")
pytest.importorskip("cv2", reason="needs the training extra (OpenCV)")

from torch import nn

from training import teach
from training.data.opinions import said


def index(cache: Path, keys: list[str]) -> None:
    rows = [{"key": key, "source": "rsna_slices", "fold": k % 2} for k, key in enumerate(keys)]
    pd.DataFrame(rows).to_csv(cache / "index.csv", index=False)


def test_networks_speak_for_their_folds_by_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(tmp_path, ["a", "b", "c"])
    monkeypatch.setattr(
        teach, "predict", lambda model, cache, table, flip: np.ones((len(table), 6), np.float32)
    )
    for fold in (0, 1):
        teach.speak(tmp_path, tmp_path / "said.npz", fold, nn.Identity(), "vit")
    keys, logits = said(tmp_path / "said.npz")["vit"]
    assert keys.tolist() == ["a", "b", "c"]
    assert (logits == 1).all()


def test_a_file_of_other_slices_is_not_added_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(tmp_path, ["a", "b", "c"])
    monkeypatch.setattr(
        teach, "predict", lambda model, cache, table, flip: np.ones((len(table), 6), np.float32)
    )
    teach.speak(tmp_path, tmp_path / "said.npz", 0, nn.Identity(), "vit")
    index(tmp_path, ["c", "b", "a"])
    with pytest.raises(SystemExit, match="other slices"):
        teach.speak(tmp_path, tmp_path / "said.npz", 1, nn.Identity(), "vit")
