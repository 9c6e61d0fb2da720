"""Is it in the right place: overlap with a true mask, pointing, contrast, side and region."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ich_cli.domain import Interval
from ich_cli.evaluation.places import same_place
from ich_cli.evaluation.proportions import wilson


def dice(mask: ArrayLike, truth: ArrayLike) -> float | None:
    """Dice's overlap 2|A∩B| / (|A|+|B|); ``None`` where both are empty."""
    a, b = _masks(mask, truth)
    total = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / total if total else None


def iou(mask: ArrayLike, truth: ArrayLike) -> float | None:
    """Intersection over union; ``None`` where both are empty."""
    a, b = _masks(mask, truth)
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else None


def pointing_hit(heat: ArrayLike, truth: ArrayLike, tolerance: int = 0) -> bool | None:
    """Pointing game: does the hottest voxel lie in the true mask (Zhang 2018, IJCV 126:1084).

    Args:
        heat: Any shape, larger is hotter.
        truth: Same shape.
        tolerance: The mask is grown by this many voxels within each slice first (the
            paper allows 15 pixels at image size).

    Returns:
        ``None`` where the truth is empty or the heat is flat (it points nowhere).
    """
    warmth, target = np.asarray(heat, np.float64), np.asarray(truth).astype(bool)
    if warmth.shape != target.shape:
        raise ValueError("heat and truth must have one shape")
    if not target.any():
        return None
    if warmth.max() == warmth.min():
        return None
    if tolerance:
        target = _grown(target, tolerance)
    return bool(target.flat[int(np.argmax(warmth))])


def contrast_to_noise(image: ArrayLike, mask: ArrayLike, background: ArrayLike) -> float | None:
    """CNR of a heat map or image: |mean in − mean out| / √(var in + var out).

    As localisation of phrases in radiographs is scored (Boecking 2022, ECCV, eq. 3).
    ``None`` where either region is empty or neither varies.
    """
    values = np.asarray(image, np.float64)
    inside, outside = values[np.asarray(mask, bool)], values[np.asarray(background, bool)]
    if inside.size == 0 or outside.size == 0:
        return None
    noise = float(np.sqrt(inside.var() + outside.var()))
    return float(abs(inside.mean() - outside.mean()) / noise) if noise > 0 else None


def side_accuracy(said: Sequence[str | None], truth: Sequence[str | None]) -> Interval | None:
    """Share of cases with a known side that was named right.

    A case without an answer counts as wrong; ``None`` where no case has a truth or the
    reader never names a side.
    """
    return _accuracy(said, truth, lambda a, b: a.strip().lower() == b.strip().lower())


def region_accuracy(said: Sequence[str | None], truth: Sequence[str | None]) -> Interval | None:
    """The same of regions, by coarse place (:mod:`ich_cli.evaluation.places`)."""
    return _accuracy(said, truth, same_place)


def _accuracy(
    said: Sequence[str | None], truth: Sequence[str | None], same: Callable[[str, str], bool]
) -> Interval | None:
    known = [(a, b) for a, b in zip(said, truth, strict=True) if b]
    if not any(a for a, _ in known):
        return None
    return wilson(sum(a is not None and same(a, b) for a, b in known), len(known))


def _masks(mask: ArrayLike, truth: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    a, b = np.asarray(mask).astype(bool), np.asarray(truth).astype(bool)
    if a.shape != b.shape:
        raise ValueError("the masks must have one shape")
    return a, b


def _grown(mask: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    from scipy.ndimage import distance_transform_edt

    planes = mask.reshape(-1, *mask.shape[-2:])
    grown = [distance_transform_edt(~plane) <= by if plane.any() else plane for plane in planes]
    return np.stack(grown).reshape(mask.shape)
