"""Whole head CTs in HU with one known bleed or none, to be read by a network.

The bleed is drawn in a label map (:func:`training.simulation.bleeds.draw_bleed`), the tissue
by :mod:`training.simulation.tissue`; the scanner averages over each slice's thickness and adds
correlated noise, a rise towards the skull and faint streaks beside dense bone. There is no
mass effect: blood takes the place of tissue.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ich_cli.domain import Subtype, Volume
from ich_cli.findings.geometry import SliceFrame
from training.simulation.bleeds import Truth
from training.simulation.head import Head
from training.simulation.scanner import Frame, Scanner
from training.simulation.tissue import BRAIN, CSF, WHITE, Floats, Membranes, head_hu

BLOOD_HU = {
    Subtype.EDH: (56, 72),
    Subtype.IPH: (54, 74),
    Subtype.IVH: (50, 70),
    Subtype.SAH: (46, 66),
    Subtype.SDH: (46, 70),
}
FIELD_MM = 246.0
MATRIX = 256
BLUR_MM = 0.6
STEP_MM = 1.25
AXIAL = ((0, 1, 2), (1, 1, 1))


@dataclass(frozen=True)
class Look:
    """What a scanner does to a head; the benchmark's scans have the usual look.

    Attributes:
        noise: Times the usual noise.
        blur_mm: Blur by detector and kernel.
    """

    noise: float = 1.0
    blur_mm: float = BLUR_MM


USUAL = Look()


@dataclass(frozen=True)
class Simulation:
    """A scan and its truth: ``ml`` of the bleed within the scanned slices, 0 without one."""

    volume: Volume
    ml: float


def draw_scanner(head: Head, rng: np.random.Generator) -> Scanner:
    """A usual axial head scan: 2.5, 3 or 5 mm slices from below the base to the vertex."""
    thick = float(rng.choice([2.5, 3.0, 5.0], p=[0.15, 0.15, 0.7]))
    z = np.nonzero(np.isin(head.map.labels, BRAIN).any(axis=(1, 2)))[0]
    height = head.map.origin_mm[2] + z - head.centre[2]
    depths = np.arange(height.min() - rng.uniform(0, 25), height.max() + 14, thick)
    pixel = FIELD_MM / MATRIX * float(rng.uniform(0.94, 1.04))
    return Scanner(
        depths_mm=depths,
        pixel_mm=(pixel, pixel),
        matrix=(MATRIX, MATRIX),
        tilt_deg=float(rng.choice([0.0, rng.uniform(-12, 12)])),
        turn_deg=(float(rng.normal(0, 6)), float(rng.normal(0, 3)), float(rng.normal(0, 5))),
        axes=AXIAL,
        thickness_mm=thick,
    )


def simulate(
    head: Head, membranes: Membranes, truth: Truth | None, rng: np.random.Generator
) -> Simulation:
    """Scan ``head`` once, with the bleed of ``truth``."""
    hu = head_hu(head, membranes, rng)
    if truth is not None:
        paint_blood(hu, head, truth, rng)
    volume, frame = scan_head(hu, head, rng)
    return Simulation(volume, 0.0 if truth is None else seen_ml(head, truth, volume, frame))


def seen_ml(head: Head, truth: Truth, volume: Volume, frame: Frame) -> float:
    """Millilitres of the bleed that lie within the scanned slices."""
    points = frame.turned(head.lps(np.argwhere(truth.mask)))
    z = SliceFrame.of(volume).to_index(points, volume.spacing_mm[0])[:, 0]
    return float(np.count_nonzero((z >= -0.5) & (z <= len(volume.hu) - 0.5))) / 1000.0


def scan_head(
    hu: Floats, head: Head, rng: np.random.Generator, look: Look = USUAL
) -> tuple[Volume, Frame]:
    """Scan a head of ``hu`` ``(z, y, x)``, which this changes, by a scanner drawn for it."""
    frame = Frame.of(draw_scanner(head, rng), head.centre)
    hu[head.cavity] += (rng.uniform(1, 4) * np.exp(-head.depth_mm / 6))[head.cavity]
    return frame.volume(scan_hu(hu, head, frame, rng, look)), frame


def paint_blood(
    hu: Floats,
    head: Head,
    truth: Truth,
    rng: np.random.Generator,
    blood_hu: tuple[float, float] | None = None,
) -> None:
    """Blood with a texture of its own; an IPH darkens the brain around it.

    Its mean is drawn from ``blood_hu``, the usual values of its subtype if there are none.
    """
    low, high = blood_hu or BLOOD_HU[truth.subtype]
    index = np.argwhere(truth.mask)
    first = np.maximum(index.min(axis=0) - 12, 0)
    box = tuple(slice(a, b + 13) for a, b in zip(first, index.max(axis=0), strict=True))
    mask, part = truth.mask[box], hu[box]
    lumps = ndimage.gaussian_filter(rng.normal(0, 1, mask.shape), 2.0)
    part[mask] = (rng.uniform(low, high) + 3 * lumps / lumps.std())[mask]
    if truth.subtype is Subtype.IPH:
        away = ndimage.distance_transform_edt(~mask)
        brain = head.cavity[box] & ~mask & (part < 60) & (head.map.labels[box] != CSF)
        depth = np.where(np.isin(head.map.labels[box], WHITE), 8.0, 4.0)
        rim = np.exp(-((away / rng.uniform(2, 7)) ** 2)) * depth
        part[brain] = np.maximum(part - rim, np.minimum(part, 12))[brain]


def scan_hu(
    hu: Floats, head: Head, frame: Frame, rng: np.random.Generator, look: Look = USUAL
) -> Floats:
    """Pixels ``(z, y, x)`` in HU, whole numbers as a scanner stores them."""
    soft = ndimage.gaussian_filter(hu, look.blur_mm, truncate=3)
    out = np.empty((len(frame.positions), *frame.scanner.matrix), np.float32)
    for z in range(len(out)):
        out[z] = slice_mean(soft, head, frame, z, -1000.0)
    level = look.noise * rng.uniform(2.5, 4.2) * np.sqrt(5.0 / frame.scanner.thickness_mm) ** 0.5
    out += level * _noise(out.shape, rng) * np.where(out > -300, 1.0, 0.5)
    out += _streaks(out, rng)
    _headrest(out, rng)
    return np.round(out.clip(-1024, 3071))


def slice_mean(field: Floats, head: Head, frame: Frame, z: int, outside: float) -> Floats:
    """Mean ``(rows, columns)`` over one slice's thickness of a field on the head's voxels."""
    rows, cols = frame.scanner.matrix
    parts = max(2, round(frame.scanner.thickness_mm / STEP_MM))
    shifts = ((np.arange(parts) + 0.5) / parts - 0.5) * frame.scanner.thickness_mm
    image = np.zeros(rows * cols, np.float32)
    for shift in shifts:
        index = (frame.points(z, shift) - head.map.origin_mm)[:, ::-1].T
        image += ndimage.map_coordinates(field, index, order=1, cval=outside) / parts
    return image.reshape(rows, cols)


def _noise(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Unit noise without the lowest and highest frequencies of the plane."""
    white = rng.standard_normal(shape, dtype=np.float32)
    band = ndimage.gaussian_filter(white, (0, 0.7, 0.7), mode="wrap")
    band -= ndimage.gaussian_filter(white, (0, 3.0, 3.0), mode="wrap")
    return np.asarray(band / band.std(), np.float32)


def _streaks(hu: Floats, rng: np.random.Generator) -> NDArray[np.float32]:
    """Dark and bright bands along rows that pass dense bone on both sides, in the brain."""
    dense = np.clip((hu - 500) / 700, 0, 1).sum(axis=2)
    rough = dense - ndimage.gaussian_filter1d(dense, 6, axis=1)
    band = ndimage.gaussian_filter1d(rough, 1.0, axis=1) * -rng.uniform(0.1, 0.35)
    brain = (hu > 0) & (hu < 80)
    return np.asarray(np.clip(band, -9, 6)[:, :, None] * brain, np.float32)


def _headrest(hu: Floats, rng: np.random.Generator) -> None:
    """A thin bowl under the head, where there is air."""
    y, x = np.mgrid[: hu.shape[1], : hu.shape[2]] - np.array(hu.shape[1:])[:, None, None] / 2
    away = np.hypot(x / rng.uniform(0.95, 1.05), y - rng.uniform(0, 6))
    bowl = (np.abs(away - rng.uniform(116, 122)) < 1.2) & (y > rng.uniform(40, 90))
    part = hu[:, bowl]
    hu[:, bowl] = np.where(part < -700, rng.uniform(-150, 250), part)
