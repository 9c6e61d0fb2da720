"""Midline shift at the level of the third ventricle.

The third ventricle is a dark slit along the middle plane. Between the thalami, in the few
slices that the fitted template puts at its height, brightness is averaged along the plane;
the darkest place across is where the slit is now.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ich_cli.domain import FloatArray, Measurement, Volume
from ich_cli.findings.geometry import SliceFrame
from ich_cli.findings.labels import LabelArray
from ich_cli.findings.locate import Place

LEVEL_MM = (-6.0, 8.0)
"""Template heights of the third ventricle's body."""

DEPTH_MM = (4.0, 22.0)
"""Template depths: behind the anterior commissure, before the pineal."""

REACH_MM = 20.0
STEP_MM = 0.5
MIN_CONTRAST_HU = 3.0
"""The slit must be darker than its surroundings by this much to be believed."""

MAX_BLOOD = 0.05
METHOD = "third ventricle against the plane of the skull; positive to the patient's left"


def midline_shift(volume: Volume, labels: LabelArray, place: Place) -> Measurement:
    """Signed shift in mm, positive towards the patient's left, or empty with the reason."""
    if place.plane is None or place.fit is None or not place.fit.good:
        return _unknown("the head could not be matched to the template")
    sampled = _across(volume, labels, place)
    if sampled is None:
        return _unknown("the third ventricle is not in the scan")
    profile, blood, z = sampled
    if float(blood.max()) > MAX_BLOOD:
        return _unknown("blood in or beside the third ventricle")
    offsets = np.arange(-REACH_MM, REACH_MM + STEP_MM / 2, STEP_MM)
    smooth = ndimage.gaussian_filter1d(profile, 1.0 / STEP_MM, mode="nearest")
    level = ndimage.gaussian_filter1d(profile, 6.0 / STEP_MM, mode="nearest")
    dip = level - smooth
    dip[np.abs(offsets) > REACH_MM - 3.0] = 0.0
    low = int(dip.argmax())
    if dip[low] < MIN_CONTRAST_HU:
        return _unknown("the third ventricle is not seen")
    near = (np.abs(offsets - offsets[low]) <= 4.0) & (dip > 0.5 * dip[low])
    shift = float(offsets[near] @ dip[near] / dip[near].sum())
    return Measurement(shift, "mm", z, METHOD)


def _unknown(reason: str) -> Measurement:
    return Measurement(None, "mm", method=METHOD, reason=reason)


def _across(
    volume: Volume, labels: LabelArray, place: Place
) -> tuple[NDArray[np.float64], NDArray[np.float64], int] | None:
    """Mean HU and share of blood by distance from the plane, and the middle slice."""
    if place.plane is None or place.fit is None:
        return None
    offsets = np.arange(-REACH_MM, REACH_MM + STEP_MM / 2, STEP_MM)
    depth, height = np.meshgrid(np.arange(*DEPTH_MM, 1.5), np.arange(*LEVEL_MM, 2.0))
    middle = np.stack([np.zeros(depth.size), depth.ravel(), height.ravel()], axis=1)
    back = np.linalg.inv(place.fit.matrix)
    points = middle @ back[:3, :3].T + back[:3, 3]
    plane = place.plane
    points = points - plane.left_mm(points)[:, None] * plane.normal
    grid = points[None] + offsets[:, None, None] * plane.normal
    frame = SliceFrame.of(volume)
    index = frame.to_index(grid.reshape(-1, 3), float(volume.spacing_mm[0]))
    shape = np.array(volume.hu.shape)
    inside = np.all((index >= -0.4) & (index <= shape - 0.6), axis=1).reshape(len(offsets), -1)
    usable = inside.all(axis=0)
    if usable.mean() < 0.4:
        return None
    z_range = index[:, 0].reshape(inside.shape)[:, usable]
    first = max(0, int(np.floor(z_range.min())))
    last = min(len(volume.hu), int(np.ceil(z_range.max())) + 1)
    local = index - np.array([first, 0, 0])
    values = _sample(volume.hu[first:last], local).reshape(inside.shape)[:, usable]
    near = np.round(local).astype(np.intp).T
    near = np.clip(near, 0, (np.array(volume.hu[first:last].shape) - 1)[:, None])
    bled = (labels[first:last][tuple(near)] > 0).reshape(inside.shape)[:, usable]
    return values.mean(axis=1), bled.mean(axis=1), int(np.clip(z_range.mean(), 0, shape[0] - 1))


def _sample(hu: FloatArray, index: NDArray[np.float64]) -> NDArray[np.float64]:
    """HU within the brain's range at fractional indices, slices smoothed a little first."""
    calm = ndimage.gaussian_filter(np.clip(hu, 0.0, 60.0), (0.0, 1.0, 1.0))
    sampled = ndimage.map_coordinates(calm, index.T, order=1, mode="nearest")
    return np.asarray(sampled, np.float64)
