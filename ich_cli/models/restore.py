"""What a network says of its boxes, put back on the input's own grid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ich_cli.domain import FloatArray
from ich_cli.models.edges import Edges
from ich_cli.models.resample import Box, restore_box

FAINT = 1e-3
"""A mask that nowhere reaches this is all zero: most are, and need no work."""


@dataclass(frozen=True)
class SoftMasks:
    """A stack's masks ``(z, 6, y, x)``, kept small and restored slice by slice.

    300 slices of 512² would take 1.9 GB; what the network gave takes some 6 MB. Index it
    like an array (``masks[z]``, ``masks[z, 1:]``, ``masks[3:9, 0]``), or make it one with
    :func:`numpy.asarray`.

    Attributes:
        probs: ``(n, 6, h, w)`` probabilities, one set a slice that the network saw.
        boxes: Where in the slice it looked.
        of_slice: For each slice of the stack, the seen slice that stands for it.
        size: ``(y, x)`` of the stack.
        edges: What the network saw, where the masks are to follow it.
    """

    probs: FloatArray
    boxes: Sequence[Box]
    of_slice: Sequence[int]
    size: tuple[int, int]
    edges: Edges | None = None
    _last: dict[int, FloatArray] = field(default_factory=dict, init=False, repr=False)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """``(z, 6, y, x)``."""
        return (len(self.of_slice), self.probs.shape[1], *self.size)

    @property
    def ndim(self) -> int:
        """Four."""
        return 4

    @property
    def dtype(self) -> np.dtype[np.float32]:
        """Of every array that comes out."""
        return np.dtype(np.float32)

    def __len__(self) -> int:
        return len(self.of_slice)

    def __getitem__(self, index: Any) -> FloatArray:
        first, *others = index if isinstance(index, tuple) else (index,)
        if isinstance(first, (int, np.integer)):
            stack = self._restored(self.of_slice[int(first)])[None]
            within: tuple[Any, ...] = (0, *others)
        elif isinstance(first, slice):
            stack = self._stack(range(len(self))[first])
            within = (slice(None), *others)
        else:
            stack = np.asarray(self)
            within = (first, *others)
        return np.asarray(stack[within], np.float32)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Any:
        return self._stack(range(len(self))).astype(dtype or np.float32, copy=False)

    def _stack(self, chosen: Iterable[int]) -> FloatArray:
        chosen = list(chosen)
        out = np.zeros((len(chosen), *self.shape[1:]), np.float32)
        for place, z in enumerate(chosen):
            out[place] = self._restored(self.of_slice[z])
        return out

    def _restored(self, seen: int) -> FloatArray:
        """``(6, y, x)`` of one seen slice; the latest is kept, since readers ask twice."""
        kept = self._last.get(seen)
        if kept is not None:
            return kept
        probs = self.probs[seen]
        out = np.zeros((len(probs), *self.size), np.float32)
        active = np.flatnonzero(probs.max(axis=(1, 2)) >= FAINT)
        drawn = probs[active]
        if self.edges is not None and len(active):
            drawn = self.edges.follow(drawn, seen)
        out[active] = restore_box(drawn, self.boxes[seen], self.size)
        np.clip(out, 0.0, 1.0, out=out)
        out.setflags(write=False)
        self._last.clear()
        self._last[seen] = out
        return out


@dataclass(frozen=True)
class MeanMasks:
    """The mean of several networks' masks of one stack, made when it is read.

    Indexed like :class:`SoftMasks`; needs no more memory than its parts.

    Attributes:
        parts: Each ``(z, 6, y, x)``, all of one shape.
    """

    parts: tuple[FloatArray, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """``(z, 6, y, x)``."""
        return self.parts[0].shape

    @property
    def ndim(self) -> int:
        """Four."""
        return 4

    @property
    def dtype(self) -> np.dtype[np.float32]:
        """Of every array that comes out."""
        return np.dtype(np.float32)

    def __len__(self) -> int:
        return len(self.parts[0])

    def __getitem__(self, index: Any) -> FloatArray:
        total = self.parts[0][index]
        for part in self.parts[1:]:
            total = total + part[index]
        return np.asarray(total / len(self.parts), np.float32)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Any:
        out = np.empty(self.shape, np.float32)
        for z in range(len(self)):
            out[z] = self[z]
        return out.astype(dtype or np.float32, copy=False)


def restore_heat(
    cams: FloatArray, boxes: Sequence[Box], of_slice: Sequence[int], size: tuple[int, int]
) -> FloatArray:
    """Class-activation maps on the stack's own grid, scaled to 0…1 over the whole stack.

    Args:
        cams: ``(n, h, w)``, one a seen slice.
        boxes: Where the network looked, one a seen slice.
        of_slice: For each slice of the stack, the seen slice that stands for it.
        size: ``(y, x)`` of the stack.

    Returns:
        ``(z, y, x)``; all zero when the maps are flat.
    """
    low, high = float(cams.min()), float(cams.max())
    scaled = (cams - low) / max(high - low, 1e-12)
    heat = np.zeros((len(of_slice), *size), np.float32)
    for z, seen in enumerate(of_slice):
        heat[z] = np.clip(restore_box(scaled[seen], boxes[seen], size), 0.0, 1.0)
    return heat
