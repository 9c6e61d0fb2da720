"""What the readers of the training sources leave out."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("cv2", reason="needs the training extra (OpenCV)")

import cv2
import numpy as np

from training.data.sources import BONE_WINDOW, rsna_slices


def test_slices_in_a_bone_window_are_left_out(tmp_path: Path) -> None:
    names = [*BONE_WINDOW, "ID_other"]
    header = "file,patient,any,edh,iph,ivh,sah,sdh,tissue_frac\n"
    rows = "".join(f"images/{name}.png,,0,0,0,0,0,0,0.5\n" for name in names)
    (tmp_path / "labels.csv").write_text(header + rows)
    (tmp_path / "images").mkdir()
    for name in names:
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), np.zeros((8, 8), np.uint8))
    assert [stack.slices[0].name for stack in rsna_slices(tmp_path)] == ["ID_other"]
