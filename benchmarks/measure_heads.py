"""Whole heads with known bleeds, simulated from label maps that the template never saw.

A bleed is drawn at 1 mm in the head's own label map, so its millilitres, side and region
are exact by that map; then the head is scanned: turned, tilted, sliced, stored in any
orientation, with partial volume and noise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from benchmarks.head_scanner import Frame, Scanner
from ich_cli.domain import LABELS, SUBTYPES, Side, SlicePrediction, Subtype, Volume
from ich_cli.findings.geometry import SliceFrame
from ich_cli.findings.midline import Midplane
from ich_cli.findings.regions import REGIONS, kind_of
from ich_cli.findings.side import side_of
from training.atlas import HU, SOFT_HU, STEP_MM, LabelMap, Shape, align_one, grid, warp
from training.atlas_regions import region_maps

INSIDE = (2, 3, 4, 5, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 24, 26, 28, 41, 42, 43, 44, 46,
          47, 49, 50, 51, 52, 53, 54, 58, 60, 85, 514)  # fmt: skip
VENTRICLES = (4, 5, 14, 15, 43, 44)
BLOOD_HU = 66.0
BLUR_MM = 1.2
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Head:
    """A label map with what its bleeds are judged by.

    Attributes:
        map: Labels at 1 mm.
        fit: Affine of the map's LPS to template coordinates by its own landmarks.
        regions: Region maps of this head alone, on the template's grid.
        plane: Middle plane through its own paired structures.
        cavity: Inside of the skull; ``depth_mm`` the distance from the inner table.
    """

    map: LabelMap
    fit: NDArray[np.float64]
    regions: dict[str, NDArray[np.uint8]]
    plane: Midplane
    cavity: Flags
    depth_mm: NDArray[np.float32]

    @classmethod
    def of(cls, label_map: LabelMap, edges: NDArray[np.float64]) -> Head:
        """Prepare a label map; ``edges`` are the template's outermost points."""
        box = ndimage.find_objects((label_map.labels > 0).astype(np.uint8))[0]
        first = np.array([part.start for part in box])[::-1]
        label_map = LabelMap(label_map.labels[box], label_map.origin_mm + first)
        shape = Shape.of(label_map)
        fit = align_one(shape, edges)
        points, size = grid(STEP_MM)
        regions = region_maps(warp(label_map, fit, points, -1)[None], points, size)
        pairs = [(shape.centroids[f"l{v}"], shape.centroids[f"r{v}"]) for v in (8, 10, 12, 17)]
        middles = np.array([(a + b) / 2 for a, b in pairs])
        normal = np.mean([a - b for a, b in pairs], axis=0)
        normal /= np.linalg.norm(normal)
        cavity = np.isin(label_map.labels, INSIDE)
        depth = ndimage.distance_transform_edt(ndimage.binary_closing(cavity, iterations=3))
        plane = Midplane(normal, float(np.mean(middles @ normal)), 1.0)
        return cls(label_map, fit, regions, plane, cavity, depth.astype(np.float32))

    @property
    def centre(self) -> NDArray[np.float64]:
        """LPS of the middle of the cavity."""
        return self.lps(np.argwhere(self.cavity)[::50]).mean(axis=0)

    def lps(self, index: NDArray[np.intp]) -> NDArray[np.float64]:
        """LPS of ``(n, 3)`` voxel indices."""
        return self.map.origin_mm + index[:, ::-1]

    def region_numbers(self, subtype: Subtype, points: NDArray[np.float64]) -> NDArray[np.intp]:
        """Region number of points by this head's own map for the subtype."""
        there = points @ self.fit[:3, :3].T + self.fit[:3, 3]
        origin = grid(STEP_MM)[0][0]
        index = np.round((there - origin) / STEP_MM).astype(int)[:, ::-1]
        own = self.regions[kind_of(subtype).value]
        index = np.clip(index, 0, np.array(own.shape) - 1)
        return own[tuple(index.T)].astype(np.intp)


@dataclass(frozen=True)
class Truth:
    """One bleed and the facts of it."""

    subtype: Subtype
    mask: Flags
    ml: float
    side: Side
    side_is_clear: bool
    shares: dict[str, float]
    thickness_mm: float | None

    @property
    def region(self) -> str:
        """The region with the largest share."""
        return max(self.shares, key=lambda name: self.shares[name])

    @property
    def region_share(self) -> float:
        """Its share."""
        return self.shares[self.region]


def draw_bleed(head: Head, subtype: Subtype, target_ml: float, rng: np.random.Generator) -> Truth:
    """Grow a bleed to about ``target_ml`` in a random place that suits its kind."""
    centre = _centre(head, subtype, rng)
    box = tuple(
        slice(max(0, int(c) - REACH), min(n, int(c) + REACH))
        for c, n in zip(centre, head.cavity.shape, strict=True)
    )
    first = np.array([part.start for part in box])
    room, cost = _room(head, subtype, box, centre, rng)
    order = np.argsort(cost[room], kind="stable")[: round(target_ml * 1000)]
    index = np.argwhere(room)[order] + first
    mask = np.zeros(head.cavity.shape, bool)
    mask[tuple(index.T)] = True
    if subtype is Subtype.IPH:
        mask[box] = ndimage.binary_opening(mask[box])
        index = np.argwhere(mask[box]) + first
    points = head.lps(index)
    numbers = head.region_numbers(subtype, points)
    counts = np.bincount(numbers[numbers > 0], minlength=2)
    ml = np.full(len(points), 1e-3)
    side = side_of(points, ml, head.plane)
    if side is None:
        raise ValueError("an empty bleed was drawn")
    moved = [replace(head.plane, offset_mm=head.plane.offset_mm + d) for d in (-3.0, 3.0)]
    depth = float(head.depth_mm[tuple(index.T)].max())
    return Truth(
        subtype,
        mask,
        len(points) / 1000.0,
        side,
        all(side_of(points, ml, plane) is side for plane in moved),
        {
            name: float(count) / len(points)
            for name, count in zip(REGIONS[kind_of(subtype)], counts[1:], strict=False)
            if count
        },
        depth if subtype in (Subtype.SDH, Subtype.EDH) else None,
    )


REACH = 75
"""Half the side, in voxels of 1 mm, of the box that a bleed grows in."""


def _centre(head: Head, subtype: Subtype, rng: np.random.Generator) -> NDArray[np.intp]:
    """A place to begin: for IPH every region is as likely as any other."""
    labels = head.map.labels
    if subtype is Subtype.IPH:
        brain = head.cavity & ~np.isin(labels, (*VENTRICLES, 24, 514)) & (head.depth_mm > 9)
        index = np.argwhere(brain)[::7]
        numbers = head.region_numbers(subtype, head.lps(index))
        number = rng.choice(np.unique(numbers[numbers > 0]))
        return index[rng.choice(np.nonzero(numbers == number)[0])]
    if subtype is Subtype.IVH:
        return _pick(np.isin(labels, (4, 43, 15)), rng)
    if subtype is Subtype.SAH:
        return _pick((labels == 24) & (head.depth_mm > 4), rng)
    height = np.quantile(np.nonzero(head.cavity)[0], 0.3)
    upper = np.indices(head.cavity.shape, sparse=True)[0] > height
    return _pick(head.cavity & (head.depth_mm <= 2.0) & upper, rng)


def _room(
    head: Head,
    subtype: Subtype,
    box: tuple[slice, ...],
    centre: NDArray[np.intp],
    rng: np.random.Generator,
) -> tuple[Flags, NDArray[np.float32]]:
    """Voxels of ``box`` that a bleed may take, and the order in which it takes them."""
    labels, cavity, depth = head.map.labels[box], head.cavity[box], head.depth_mm[box]
    local = centre - np.array([part.start for part in box])
    if subtype is Subtype.IPH:
        brain = cavity & ~np.isin(labels, (*VENTRICLES, 24, 514)) & (depth > 2.0)
        return brain, _blob(cavity.shape, local, rng)
    if subtype is Subtype.IVH:
        return np.isin(labels, VENTRICLES), _blob(cavity.shape, local, rng, rough=0.1)
    if subtype is Subtype.SAH:
        return (labels == 24) & (depth > 1.0), _blob(cavity.shape, local, rng)
    # Lens: short reach along the table against depth; crescent: a long one.
    reach = 1.9 if subtype is Subtype.EDH else 5.0
    axes = np.indices(cavity.shape, sparse=True, dtype=np.float32)
    away = np.sqrt(sum((a - c) ** 2 for a, c in zip(axes, local, strict=True)))
    cost = np.hypot(away / reach, depth).astype(np.float32)
    here = head.plane.left_mm(head.lps(centre[None]))[0]
    left_mm = -head.plane.offset_mm + sum(
        n * (o + a + part.start)
        for n, o, a, part in zip(
            head.plane.normal[::-1], head.map.origin_mm[::-1], axes, box, strict=True
        )
    )
    return cavity & (left_mm * np.sign(here) > 0) & (depth < 40), cost


def _pick(room: Flags, rng: np.random.Generator) -> NDArray[np.intp]:
    index = np.argwhere(room)
    return index[int(rng.integers(len(index)))]


def _blob(
    shape: tuple[int, ...], centre: NDArray[np.intp], rng: np.random.Generator, rough: float = 0.25
) -> NDArray[np.float32]:
    """Distance from ``centre``, stretched along a random axis and made lumpy."""
    axes = np.indices(shape, sparse=True, dtype=np.float32)
    offset = [a - c for a, c in zip(axes, centre, strict=True)]
    turn = Rotation.random(rng=rng).as_matrix().astype(np.float32)
    stretch = np.exp(rng.normal(0, 0.2, 3)).astype(np.float32)
    square = np.zeros(shape, np.float32)
    for row, scale in zip(turn, stretch, strict=True):
        square += (sum(c * o for c, o in zip(row, offset, strict=True)) * scale) ** 2
    small = rng.normal(0, 1, tuple(n // 8 + 2 for n in shape)).astype(np.float32)
    lumps = ndimage.zoom(small, 8, order=1)[tuple(slice(0, n) for n in shape)]
    return np.sqrt(square) * (1.0 + rough * lumps)


def scan(
    head: Head, truth: Truth, scanner: Scanner, rng: np.random.Generator
) -> tuple[Volume, SlicePrediction, float]:
    """HU volume, what a good but soft network would say of it, and the millilitres in view.

    The mask is the share of each voxel that is blood, blurred by ``BLUR_MM``, with smooth
    noise in its logits: errors of a network's outline, none of its attention.
    """
    frame = Frame.of(scanner, head.centre)
    rows, cols = scanner.matrix
    table = np.full(2000, SOFT_HU, np.float32)
    table[list(HU)] = list(HU.values())
    hu = np.empty((len(frame.positions), rows, cols), np.float32)
    masks = np.zeros((len(hu), len(LABELS), rows, cols), np.float16)
    value = 1 + SUBTYPES.index(truth.subtype)
    parts = max(2, round(scanner.thickness_mm / 1.7))
    shifts = ((np.arange(parts) + 0.5) / parts - 0.5) * scanner.thickness_mm
    for z in range(len(hu)):
        image = np.zeros(rows * cols, np.float32)
        blood = np.zeros(rows * cols, np.float32)
        for number, shift in enumerate(shifts):
            own = frame.points(z, shift, ((number % 2) - 0.5) / 2)
            index = np.round(own - head.map.origin_mm).astype(np.int32)[:, ::-1]
            inside = np.all((index >= 0) & (index < head.map.labels.shape), axis=1)
            where = tuple(index[inside].T)
            part = np.full(rows * cols, -1000.0, np.float32)
            part[inside] = table[head.map.labels[where]]
            bled = np.zeros(rows * cols, bool)
            bled[inside] = truth.mask[where]
            part[bled] = BLOOD_HU
            image += part / parts
            blood += bled / parts
        hu[z] = image.reshape(rows, cols) + rng.normal(0, 4, (rows, cols))
        masks[z, 0] = masks[z, value] = _soft(
            blood.reshape(rows, cols), BLUR_MM / np.asarray(scanner.pixel_mm), rng
        )
    has = masks.max(axis=(2, 3)) > 0.5
    probs = np.where(has, 0.95, 0.02).astype(np.float32)
    volume = frame.volume(hu)
    return volume, SlicePrediction(probs, masks), seen_ml(head, truth, volume, frame)


def seen_ml(head: Head, truth: Truth, volume: Volume, frame: Frame) -> float:
    """Millilitres of the bleed that lie within the scanned slices."""
    points = (head.lps(np.argwhere(truth.mask)) - frame.centre) @ frame.turn.T + frame.centre
    z = SliceFrame.of(volume).to_index(points, volume.spacing_mm[0])[:, 0]
    return float(np.count_nonzero((z >= -0.5) & (z <= len(volume.hu) - 0.5))) / 1000.0


def _soft(
    share: NDArray[np.float32], blur_px: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float32]:
    blurred = np.clip(ndimage.gaussian_filter(share, blur_px), 0.003, 0.997)
    if share.max() <= 0.0:
        return np.zeros_like(share)
    noise = ndimage.gaussian_filter(rng.normal(0, 1, share.shape), 3.0) * 10.0 * 0.4
    logit = np.log(blurred / (1 - blurred)) + noise
    return (1.0 / (1.0 + np.exp(-logit))).astype(np.float32)
