"""Build the head template and its region maps from whole-head label maps.

``python -m training.atlas LABELS_FOLDER`` writes ``ich_cli/findings/data/atlas.npz``.

The label maps are brought to one space (:mod:`training.anatomy.alignment`). Every map is used
twice, the second time mirrored: the template is symmetric and its middle plane is ``x = 0``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ich_cli.findings.coarse import BRAIN_WINDOW, HEAD_WINDOW
from training.anatomy.alignment import EDGES, LOW, STEP_MM, align, grid, warp
from training.anatomy.label_map import LabelMap, hounsfield, load_label_map, usable
from training.anatomy.regions import region_maps

HEAD_STEP_MM = 4.0


def build(heads: list[LabelMap]) -> dict[str, NDArray]:
    """Everything that the atlas file holds."""
    heads = [one for head in heads for one in (head, head.mirrored())]
    fits, target = align(heads)
    points, shape = grid(STEP_MM)
    votes = np.stack([warp(h, f, points, -1) for h, f in zip(heads, fits, strict=True)])
    maps = region_maps(votes, points, shape)
    coarse, coarse_shape = grid(HEAD_STEP_MM)
    windows = {"head": HEAD_WINDOW, "brain": BRAIN_WINDOW}
    total = {name: np.zeros(len(coarse), np.float32) for name in windows}
    seen = np.zeros(len(coarse), np.float32)
    # Eight points a voxel, so that the template is as smooth as a 4 mm average is.
    for offset in np.stack(np.meshgrid(*[(-1.0, 1.0)] * 3), axis=-1).reshape(-1, 3):
        for head, fit in zip(heads, fits, strict=True):
            labels = warp(head, fit, coarse + offset, -1)
            inside = labels >= 0
            hu = hounsfield(labels[inside])
            seen[inside] += 1
            for name, window in windows.items():
                total[name][inside] += np.clip(hu, *window)
    means = {
        name: np.where(seen > 0, total[name] / np.maximum(seen, 1), window[0])
        for name, window in windows.items()
    }
    return {
        **maps,
        **{n: np.round(m).astype(np.int16).reshape(coarse_shape) for n, m in means.items()},
        "seen": (seen > 0.5 * seen.max()).reshape(coarse_shape),
        "edges": np.stack([target[name] for name in EDGES]),
        "origin_mm": LOW,
        "step_mm": np.array([STEP_MM, HEAD_STEP_MM]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labels", type=Path, help="folder with training_seg_*.nii.gz")
    parser.add_argument("--out", type=Path, default=Path("ich_cli/findings/data/atlas.npz"))
    args = parser.parse_args()
    atlas = build([load_label_map(file) for file in usable(args.labels)])
    args.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(args.out, **atlas)


if __name__ == "__main__":
    main()
