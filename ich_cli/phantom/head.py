"""Render a head phantom on a scanner's grid, with its truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ich_cli.domain import SUBTYPES, Side, Subtype
from ich_cli.phantom.bleed import (
    BLOOD_HU,
    OEDEMA_HU,
    OEDEMA_MM,
    Growth,
    field_and_room,
    level,
    plan,
)
from ich_cli.phantom.brain import Brain
from ich_cli.phantom.fields import Array, coverage, paint
from ich_cli.phantom.grid import Grid, make_grid
from ich_cli.phantom.mass import push
from ich_cli.phantom.noise import scanner_noise
from ich_cli.phantom.skull import Skull, holder
from ich_cli.phantom.spec import Kernel, PhantomSpec

HEAD_BOX_MM = (-86.0, 86.0, -124.0, 112.0)
"""Nothing of the head lies outside: x from, x to, y from, y to."""


@dataclass(frozen=True, slots=True)
class HeadPhantom:
    """A rendered head and its truth, axes as :mod:`ich_cli.domain` says.

    Attributes:
        hu: ``(z, y, x)`` float32.
        labels: ``(z, y, x)`` uint8: 0 no blood, else 1 + index into ``SUBTYPES``.
        grid: Where the voxels are.
        ml: Millilitres by subtype, counted on ``labels``.
        side_ml: Millilitres on the patient's left and right of each bleed of the spec; of
            voxels that two would take, the earlier one has them.
    """

    hu: Array
    labels: NDArray[np.uint8]
    grid: Grid
    ml: Mapping[Subtype, float]
    side_ml: tuple[tuple[float, float], ...]

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """``(z, y, x)``; z is the median distance along the normal."""
        return self.grid.spacing_mm

    def mask(self, subtype: Subtype) -> NDArray[np.bool_]:
        """``(z, y, x)`` where blood of one subtype is."""
        return np.asarray(self.labels == 1 + SUBTYPES.index(subtype))


@dataclass(slots=True)
class _Canvas:
    """What is gathered slice by slice over the head's box."""

    hu: Array
    content: Array
    tissue: Array
    fields: list[Array]
    rooms: list[Array]


def make_head(spec: PhantomSpec) -> HeadPhantom:
    """Render a head.

    Args:
        spec: What it is to be.

    Raises:
        UsageError: A bleed does not fit into its region.
    """
    rng = np.random.default_rng([spec.seed, 1])
    skull = Skull.draw(rng)
    brain = Brain.draw(rng, *_csf_spaces(spec))
    planned = [plan(bleed, skull, rng) for bleed in spec.bleeds]
    growths = tuple(growth for one in planned for growth in one)
    bleed_of = [number for number, one in enumerate(planned) for _ in one]
    grid = make_grid(spec)
    rows, columns = grid.box(HEAD_BOX_MM)
    canvas = _render(skull, brain, growths, grid, rows, columns, spec)
    labels = np.zeros((grid.n, spec.matrix, spec.matrix), np.uint8)
    left = grid.x_mm[columns] > 0
    side_ml = np.zeros((len(spec.bleeds), 2))
    grown = zip(bleed_of, growths, canvas.fields, canvas.rooms, strict=True)
    for number, growth, field, room in grown:
        threshold, mask = level(field, room, grid.voxel_ml, growth)
        box = labels[:, rows, columns]
        mask &= box == 0
        box[mask] = 1 + SUBTYPES.index(growth.subtype)
        side_ml[number] += [_ml(mask[:, :, side], grid) for side in (left, ~left)]
        _bleed_into(canvas, growth, field - np.float32(threshold), room)
    hu = np.full(labels.shape, -1000.0, np.float32)
    hu[:, rows, columns] = canvas.hu
    _add_holder(hu, grid)
    rng_noise = np.random.default_rng([spec.seed, 2, list(Kernel).index(spec.kernel)])
    hu += scanner_noise(rng_noise, hu.shape, grid, spec)
    np.clip(hu, -1024, 3071, out=hu)
    counts = {s: _ml(labels == 1 + i, grid) for i, s in enumerate(SUBTYPES)}
    by_subtype = {s: ml for s, ml in counts.items() if ml > 0}
    return HeadPhantom(hu, labels, grid, by_subtype, tuple((a, b) for a, b in side_ml.tolist()))


def _ml(mask: NDArray[np.bool_], grid: Grid) -> float:
    """Millilitres of a mask ``(z, y, x)`` of all of the grid's slices."""
    return float((mask.sum(axis=(1, 2)) * grid.voxel_ml).sum())


def _csf_spaces(spec: PhantomSpec) -> tuple[float, tuple[float, float]]:
    """Ventricles and sulci large enough for the blood they are to hold."""
    ventricles = 0.0
    widen = [0.0, 0.0]
    for bleed in spec.bleeds:
        both = bleed.side is Side.BILATERAL
        per_side = bleed.target_ml / (2 if both else 1)
        if bleed.subtype is Subtype.IVH:
            ventricles = max(ventricles, float(np.sqrt((per_side + 6) / 10)))
        if bleed.subtype is Subtype.SAH:
            more = 0.6 + per_side / 30
            for index, side in enumerate((Side.LEFT, Side.RIGHT)):
                if both or bleed.side is side:
                    widen[index] = max(widen[index], more)
    return ventricles, (widen[0], widen[1])


def _render(
    skull: Skull,
    brain: Brain,
    growths: tuple[Growth, ...],
    grid: Grid,
    rows: slice,
    columns: slice,
    spec: PhantomSpec,
) -> _Canvas:
    shape = (grid.n, rows.stop - rows.start, columns.stop - columns.start)
    canvas = _Canvas(
        hu=np.zeros(shape, np.float32),
        content=np.zeros(shape, np.float32),
        tissue=np.zeros(shape, np.float32),
        fields=[np.zeros(shape, np.float32) for _ in growths],
        rooms=[np.zeros(shape, np.float32) for _ in growths],
    )
    edge = max(1.0, grid.pixel_mm) * (0.7 if spec.kernel is Kernel.BONE else 1.15)
    subs = grid.sub_slices()
    part = np.float32(1 / len(subs))
    for k in range(grid.n):
        for offset in subs:
            p = grid.points(k, offset, rows, columns)
            surfaces = skull.surfaces(p)
            hu = skull.paint(p, surfaces, edge)
            box = _within(surfaces.inside)
            if box is None:
                canvas.hu[k] += part * hu
                continue
            surfaces, q = surfaces.part(*box), p.part(*box)
            content = brain.fill(q, surfaces, edge, push(growths, q, surfaces.vault))
            paint(hu[box], content.hu, coverage(surfaces.inside, edge))
            canvas.hu[k] += part * hu
            canvas.content[k][box] += part * content.hu
            canvas.tissue[k][box] += part * content.tissue
            for index, growth in enumerate(growths):
                field, room = field_and_room(growth, q, surfaces, content)
                canvas.fields[index][k][box] += part * field
                canvas.rooms[index][k][box] += part * room
    return canvas


def _within(inside: Array) -> tuple[slice, slice] | None:
    """Rows and columns that hold the intracranial space."""
    near = inside < 3.0
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    if not len(rows):
        return None
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _bleed_into(canvas: _Canvas, growth: Growth, above: Array, room: Array) -> None:
    """Paint blood where the field is below its level, and oedema around an IPH."""
    soft = 6.0 if growth.subtype is Subtype.SAH else 1.6
    share = coverage(above, soft) * room
    change = np.zeros_like(canvas.hu)
    if growth.subtype is Subtype.IPH:
        rim = coverage(above - OEDEMA_MM, 5.0) * (1 - share) * canvas.tissue
        change += np.float32(OEDEMA_HU) * rim
    change += share * (BLOOD_HU[growth.subtype] - canvas.content)
    canvas.hu += change
    canvas.content += change


def _add_holder(hu: Array, grid: Grid) -> None:
    """The cradle is the same in every slice: it is painted once and added."""
    everything = slice(0, hu.shape[1])
    p = grid.flat_points(everything, everything)
    shell, padding = holder(p)
    extra = 60.0 * coverage(padding, 2.0)
    paint(extra, 1130.0, coverage(shell, 1.5))
    np.maximum(hu, extra - 1000, out=hu)
