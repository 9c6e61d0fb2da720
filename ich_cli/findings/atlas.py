"""The head template and its region maps, as shipped (made by ``training/atlas.py``)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from ich_cli.domain import FloatArray
from ich_cli.findings.geometry import Points
from ich_cli.findings.regions import REGIONS, Kind


@dataclass(frozen=True, slots=True)
class Atlas:
    """A symmetric head in MNI-like millimetres with LPS signs; ``x = 0`` is its middle.

    Attributes:
        maps: Per kind ``(z, y, x)`` uint8: 0 outside, else index into ``REGIONS`` + 1.
        outside_mm: Distance from the inside of the skull; 0 within.
        step_mm: Of the maps.
        head: ``(z, y, x)`` mean HU of a head in ``HEAD_WINDOW``, for the fit.
        brain: The same in ``BRAIN_WINDOW``.
        seen: Where ``head`` is known; it ends in the neck.
        head_step_mm: Of ``head`` and ``seen``.
        origin_mm: LPS of voxel ``(0, 0, 0)`` of all arrays.
        edges_mm: ``(5, 3)`` outermost points of the cerebrum: left, right, front, back, top.
    """

    maps: dict[Kind, NDArray[np.uint8]]
    outside_mm: NDArray[np.uint8]
    step_mm: float
    head: FloatArray
    brain: FloatArray
    seen: NDArray[np.bool_]
    head_step_mm: float
    origin_mm: NDArray[np.float64]
    edges_mm: NDArray[np.float64]

    def names_at(self, kind: Kind, points: Points) -> NDArray[np.intp]:
        """Region numbers (index into ``REGIONS[kind]`` + 1; 0 nowhere) of template points."""
        return self._read(self.maps[kind], points, 0)

    def outside_at(self, points: Points) -> NDArray[np.intp]:
        """Millimetres outside the cavity of template points, 0 inside, at most 255."""
        return self._read(self.outside_mm, points, 255)

    def _read(self, grid: NDArray[np.uint8], points: Points, beyond: int) -> NDArray[np.intp]:
        """Nearest values of ``grid``; ``beyond`` where it has none."""
        index = np.round((points - self.origin_mm) / self.step_mm).astype(np.intp)[:, ::-1]
        inside = np.all((index >= 0) & (index < grid.shape), axis=1)
        out = np.full(len(points), beyond, np.intp)
        out[inside] = grid[tuple(index[inside].T)]
        return out

    def shares(self, kind: Kind, points: Points, weights: NDArray[np.float64]) -> dict[str, float]:
        """Share of the weight in each region, largest first; what lies nowhere is left out."""
        names = REGIONS[kind]
        sums = np.bincount(self.names_at(kind, points), weights, minlength=len(names) + 1)
        total = float(weights.sum())
        order = np.argsort(-sums[1:], kind="stable")
        return {names[k]: float(sums[k + 1]) / total for k in order if sums[k + 1] > 0.0}


@lru_cache(maxsize=1)
def load_atlas() -> Atlas:
    """Read the shipped atlas once."""
    content = (files("ich_cli.findings") / "data" / "atlas.npz").read_bytes()
    with np.load(BytesIO(content)) as data:
        step, head_step = (float(v) for v in data["step_mm"])
        return Atlas(
            maps={kind: data[kind.value] for kind in Kind},
            outside_mm=data["outside_mm"],
            step_mm=step,
            head=data["head"].astype(np.float32),
            brain=data["brain"].astype(np.float32),
            seen=data["seen"],
            head_step_mm=head_step,
            origin_mm=data["origin_mm"],
            edges_mm=data["edges"],
        )
