"""From stored values to Hounsfield units, saying what was odd on the way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ich_cli.dicom.codes import Code, because
from ich_cli.dicom.decode import Pixels
from ich_cli.domain import FloatArray, Reason

AIR_HU = -1024.0
"""What lies outside the picture becomes; also the floor of plausible values."""
MAX_HU = 3071.0
"""Ceiling of the 12-bit scale; metal on an extended scale is cut to it."""
BELOW_AIR_HU = -1100.0
"""Noise in air stays above; anything below was never measured."""
MAX_STEP_HU = 8.0
"""Grey and white matter differ by about 8 HU: coarser steps hide a thin bleed."""
OUTSIDE_HU = -300.0
"""The corners of a head CT are air."""


@dataclass(frozen=True, slots=True)
class Hounsfield:
    """``hu`` is ``(frames, rows, columns)``; ``flags`` are as :class:`~ich_cli.domain.Volume`'s."""

    hu: FloatArray
    flags: frozenset[str] = frozenset()


def to_hounsfield(pixels: Pixels) -> Hounsfield | Reason:
    """Apply the rescale, mask the padding, clamp what no tissue can have.

    Args:
        pixels: Stored values of one file.

    Returns:
        Hounsfield units, or why there can be none (no rescale, steps too coarse).
    """
    if 0.0 in {pixels.slope, *(frame.slope for frame in pixels.frames)}:
        return because(Code.NO_RESCALE, "a RescaleSlope of 0 makes all values one")
    stored = pixels.stored
    flags: set[str] = set()
    scales = _scales(pixels)
    if scales is None:
        if float(np.percentile(stored, 5)) > -900 or stored.dtype.kind != "i":
            return because(Code.NO_RESCALE, "neither RescaleIntercept nor values that look like HU")
        scales = np.ones(1, np.float32), np.zeros(1, np.float32)
        flags.add("rescale_assumed")
    slope, intercept = scales
    if float(np.abs(slope).max()) > MAX_STEP_HU:
        return because(Code.COARSE_HU, f"one grey level is {float(np.abs(slope).max()):.0f} HU")
    values = stored.astype(np.float32)
    hu = values * slope[:, None, None]
    hu += intercept[:, None, None]
    if pixels.inverted and not _looks_right(hu):
        mirrored = _mirror(pixels) * slope[:, None, None] + intercept[:, None, None]
        if _looks_right(mirrored):
            hu = mirrored
            flags.add("monochrome1_inverted")
    if stored.dtype.kind == "u" and float(intercept.min()) > OUTSIDE_HU and not _looks_right(hu):
        unwrapped = _unwrap(pixels) * slope[:, None, None] + intercept[:, None, None]
        if _looks_right(unwrapped):
            hu = unwrapped
            flags.add("negatives_unwrapped")
    padded = hu < BELOW_AIR_HU
    if padded.any():
        lowest = hu[padded]
        flags.add("padding_masked" if np.ptp(lowest) == 0 else "hu_clamped")
    if pixels.padding is not None:
        low, high = pixels.padding
        marked = (values >= low) & (values <= high)
        if (hu > OUTSIDE_HU).any(where=marked):
            # 0 in a file whose values are HU: around the picture padding, within it fluid.
            marked = _from_the_edge(marked)
        if marked.any():
            padded |= marked
            flags.add("padding_masked")
    if flags & {"padding_masked", "hu_clamped"}:
        hu[padded] = AIR_HU
    if float(hu.max()) > MAX_HU:
        flags.add("hu_clamped")
    return Hounsfield(np.clip(hu, AIR_HU, MAX_HU, out=hu), frozenset(flags))


def _scales(pixels: Pixels) -> tuple[FloatArray, FloatArray] | None:
    """Slope and intercept of each frame, or one for all; ``None`` when not said."""
    own = [(frame.slope, frame.intercept) for frame in pixels.frames]
    if own and all(slope is not None and intercept is not None for slope, intercept in own):
        return (
            np.array([slope for slope, _ in own], np.float32),
            np.array([intercept for _, intercept in own], np.float32),
        )
    if pixels.intercept is None:
        return None
    return (
        np.array([1.0 if pixels.slope is None else pixels.slope], np.float32),
        np.array([pixels.intercept], np.float32),
    )


def _mirror(pixels: Pixels) -> FloatArray:
    """Stored values counted from the other end of their range."""
    values = pixels.stored.astype(np.float32)
    if pixels.stored.dtype.kind == "i":
        return np.asarray(-1.0 - values, np.float32)
    return np.asarray(float((1 << pixels.bits_stored) - 1) - values, np.float32)


def _unwrap(pixels: Pixels) -> FloatArray:
    """Signed values that some scanners' exports call unsigned: below zero they wrapped."""
    values = pixels.stored.astype(np.float32)
    count = float(1 << pixels.bits_stored)
    return np.asarray(np.where(values >= count + AIR_HU, values - count, values), np.float32)


def _from_the_edge(marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Those of ``(frames, rows, columns)`` that reach the edge of their frame."""
    inner = np.zeros_like(marked)
    inner[:, 1:-1, 1:-1] = True
    in_plane = ndimage.generate_binary_structure(2, 1)[None]
    return np.asarray(ndimage.binary_propagation(marked & ~inner, in_plane, marked))


def _looks_right(hu: FloatArray) -> bool:
    """Whether there is air in the corners and something denser elsewhere."""
    edge = max(1, min(hu.shape[1:]) // 32)
    patches = [
        hu[:, y, x]
        for y in (slice(edge), slice(-edge, None))
        for x in (slice(edge), slice(-edge, None))
    ]
    corners = float(np.median([np.median(patch) for patch in patches]))
    return corners <= OUTSIDE_HU < float(hu.max())
