"""Build the head template and its region maps from whole-head label maps.

``python -m training.atlas LABELS_FOLDER`` writes ``ich_cli/findings/data/atlas.npz``.

The label maps (SynthSeg, Apache-2.0: 1 mm, FreeSurfer values, skull and skin) are brought
to one space by affine fits of structure centroids and of the hemispheres' outermost
points, starting from the centroids' usual MNI coordinates, so that lobe borders can be
drawn by rules in those coordinates. Every map is used twice, the second time mirrored:
the template is symmetric and its middle plane is ``x = 0``. The last ``HELD_OUT`` maps are
left out, for measuring.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ich_cli.findings.coarse import BRAIN_WINDOW, HEAD_WINDOW
from training.atlas_regions import region_maps

HELD_OUT = 6
STEP_MM, HEAD_STEP_MM = 2.0, 4.0
LOW = np.array([-100.0, -122.0, -96.0])
HIGH = np.array([100.0, 122.0, 108.0])
"""Bounds of the template in LPS-MNI millimetres: x to the left, y to the back, z up."""

PAIRS = ((2, 41), (3, 42), (4, 43), (5, 44), (7, 46), (8, 47), (10, 49), (11, 50), (12, 51),
         (13, 52), (17, 53), (18, 54), (26, 58), (28, 60), (25, 57), (30, 62), (136, 163),
         (137, 164))  # fmt: skip
MNI_LPS: dict[int, tuple[float, float, float]] = {
    10: (11, 18, 8), 11: (13, -11, 10), 12: (25, -2, 0), 13: (19, 4, -1), 17: (26, 22, -14),
    18: (23, 4, -19), 16: (0, 29, -33), 15: (0, 46, -33), 14: (0, 13, 0), 8: (25, 64, -36),
    7: (17, 57, -35),
}  # fmt: skip
"""Usual centroids (left side) in MNI space, LPS signs."""

HU = {0: -1000, 24: 6, 2: 28, 41: 28, 3: 36, 42: 36, 4: 5, 43: 5, 14: 5, 15: 5, 506: 10, 507: -20,
      511: 20, 515: 800, 516: 400, 514: 45, 530: -80}  # fmt: skip
SOFT_HU = 34


@dataclass(frozen=True)
class LabelMap:
    """One head: ``(z, y, x)`` FreeSurfer labels on LPS axes and the LPS of voxel 0."""

    labels: NDArray[np.int16]
    origin_mm: NDArray[np.float64]

    def mirrored(self) -> LabelMap:
        """The same head with left and right exchanged, in array and in labels."""
        swap = np.arange(1000, dtype=np.int16)
        for left, right in PAIRS:
            swap[left], swap[right] = right, left
        width = self.labels.shape[2] - 1
        origin = self.origin_mm * [-1, 1, 1] - [width, 0, 0]
        return LabelMap(np.ascontiguousarray(swap[self.labels][:, :, ::-1]), origin)


@dataclass(frozen=True)
class Shape:
    """What the alignment needs of a head: centroids by label, and points of the cerebrum."""

    centroids: dict[str, NDArray[np.float64]]
    cerebrum: NDArray[np.float64]

    @classmethod
    def of(cls, head: LabelMap) -> Shape:
        """Measure ``head``."""
        right = dict(PAIRS)
        found: dict[str, NDArray[np.float64]] = {}
        boxes = ndimage.find_objects(head.labels)
        for value in MNI_LPS:
            for name, one in (("l", value), ("r", right.get(value))):
                box = boxes[one - 1] if one is not None else None
                if box is not None:
                    index = np.argwhere(head.labels[box] == one) + [s.start for s in box]
                    found[f"{name}{value}"] = head.origin_mm + index.mean(axis=0)[::-1]
        thin = head.labels[::3, ::3, ::3]
        index = 3 * np.argwhere(np.isin(thin, (2, 3, 41, 42)))
        return cls(found, head.origin_mm + index[:, ::-1])


def load_label_map(path: Path) -> LabelMap:
    """Read a NIfTI label map onto LPS axes."""
    image = nib.as_closest_canonical(nib.load(path))
    data = np.asarray(image.dataobj).astype(np.int16)
    corner = image.affine @ np.array([data.shape[0] - 1, data.shape[1] - 1, 0, 1.0])
    # RAS to LPS: flip the first two axes and their signs.
    array = np.ascontiguousarray(data[::-1, ::-1, :].transpose(2, 1, 0))
    return LabelMap(array, np.array([-corner[0], -corner[1], corner[2]]))


def landmarks(shape: Shape, fit: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Centroids of structures and outermost points of the cerebrum, in the head's LPS."""
    found = dict(shape.centroids)
    there = shape.cerebrum @ fit[:3, :3].T + fit[:3, 3]
    for axis, sign, name in ((0, 1, "L"), (0, -1, "R"), (1, -1, "A"), (1, 1, "P"), (2, 1, "S")):
        reach = there[:, axis] * sign
        found[f"edge{name}"] = shape.cerebrum[reach >= np.quantile(reach, 0.995)].mean(axis=0)
    return found


def fit_affine(
    source: dict[str, NDArray[np.float64]], target: dict[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Least-squares affine 4 × 4 that takes ``source`` landmarks to ``target``."""
    names = sorted(set(source) & set(target))
    a = np.array([[*source[n], 1.0] for n in names])
    b = np.array([target[n] for n in names])
    matrix = np.eye(4)
    for axis, edges in enumerate((("edgeL", "edgeR"), ("edgeA", "edgeP"), ("edgeS",))):
        # An outermost point is sharp only along its own axis.
        use = [not n.startswith("edge") or n in edges for n in names]
        weight = np.array([2.0 if n in edges else 1.0 for n in names])[use]
        solution, *_ = np.linalg.lstsq(a[use] * weight[:, None], b[use, axis] * weight, rcond=None)
        matrix[axis] = solution
    return matrix


def common_landmarks() -> dict[str, NDArray[np.float64]]:
    """Where to start: the centroids' usual places."""
    start = {}
    for value, (x, y, z) in MNI_LPS.items():
        start[f"l{value}"] = np.array([x, y, z], np.float64)
        if value in dict(PAIRS):
            start[f"r{value}"] = np.array([-x, y, z], np.float64)
    return start


def align(heads: list[LabelMap], rounds: int = 4) -> tuple[list[NDArray[np.float64]], dict]:
    """Affines head → template, and the template's landmarks (symmetric by construction)."""
    target = common_landmarks()
    fits = [np.eye(4)] * len(heads)
    shapes = [Shape.of(head) for head in heads]
    for _ in range(rounds):
        marks = [landmarks(shape, fit) for shape, fit in zip(shapes, fits, strict=True)]
        fits = [fit_affine(mark, target) for mark in marks]
        moved = [
            {n: fit[:3, :3] @ p + fit[:3, 3] for n, p in mark.items()}
            for mark, fit in zip(marks, fits, strict=True)
        ]
        edges = {n for mark in moved for n in mark if n.startswith("edge")}
        means = {n: np.mean([m[n] for m in moved], axis=0) for n in edges}
        target = common_landmarks() | means
    return fits, target


EDGES = ("edgeL", "edgeR", "edgeA", "edgeP", "edgeS")


def align_one(shape: Shape, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Affine of one head to a finished template with outermost points ``edges``."""
    target = common_landmarks() | dict(zip(EDGES, edges, strict=True))
    fit = fit_affine(shape.centroids, target)
    for _ in range(3):
        fit = fit_affine(landmarks(shape, fit), target)
    return fit


def grid(step: float) -> tuple[NDArray[np.float64], tuple[int, int, int]]:
    """Template points ``(n, 3)`` and shape ``(z, y, x)``; symmetric about ``x = 0``."""
    shape = tuple(int(n) for n in (np.floor((HIGH - LOW) / step) + 1)[::-1])
    index = np.indices(shape).reshape(3, -1).T[:, ::-1]
    return LOW + step * index, shape


def warp(
    head: LabelMap, fit: NDArray[np.float64], points: NDArray[np.float64], fill: int
) -> NDArray[np.int16]:
    """Labels of ``head`` at template ``points``, nearest voxel."""
    own = (points - fit[:3, 3]) @ np.linalg.inv(fit[:3, :3]).T
    index = np.round(own - head.origin_mm).astype(np.int32)[:, ::-1]
    inside = np.all((index >= 0) & (index < head.labels.shape), axis=1)
    out = np.full(len(points), fill, np.int16)
    out[inside] = head.labels[tuple(index[inside].T)]
    return out


def hounsfield(labels: NDArray[np.int16]) -> NDArray[np.float32]:
    """Plain HU of labels."""
    table = np.full(1000, SOFT_HU, np.float32)
    for value, hu in HU.items():
        table[value] = hu
    return table[labels]


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
    files = sorted(args.labels.glob("training_seg_*.nii.gz"))[:-HELD_OUT]
    atlas = build([load_label_map(file) for file in files])
    args.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(args.out, **atlas)


if __name__ == "__main__":
    main()
