"""Whether the pixels are those of a plain head CT, whatever the header says.

Headers are stripped, wrong, or silent. A series that the user names is judged all the same:
what the network says of a bone kernel, of contrast or of a chest means nothing.

The limits stand well clear of 32 clinical plain head CTs (shunts, craniotomies, hydrocephalus and
tilts among them): those show 80 to 115 mm of skull with brain inside, a sagittal sinus of 33 to
65 HU, and noise below 4 HU.
"""

from __future__ import annotations

import math

import numpy as np

from ich_cli.dicom.codes import Code, because
from ich_cli.dicom.kernels import Kernel, classify
from ich_cli.dicom.skull import Ring, look_outwards
from ich_cli.domain import Reason, Series, Volume

MAX_LOOKED_AT = 64
"""Slices that are looked at, evenly spread, when there are more."""
AIR_BELOW_HU = -150.0
"""Darker than fat; some exports clip air at −200 HU, and pictures in a window have none."""
MIN_CLOSED = 0.6
"""A large craniectomy opens a third of the ring."""
MIN_TISSUE = 0.85
RADIUS_MM = (35.0, 115.0)
BRAIN_MEDIAN_HU = (2.0, 75.0)
MIN_CRANIAL_MM = 40.0
UPPER_SHARE = 0.6
"""Of the cranial slices; below lie the skull base and its bright veins."""
SINUS_CONTRAST_HU = 92.0
"""Clotted blood in or beside the sinus stays below."""
SINUS_SUSPECT_HU = 75.0
VESSELS_MM2 = 15.0
MAX_NOISE_HU = 12.0
"""At 5 mm; a brain kernel has 2 to 4."""


def judge_pixels(volume: Volume, series: Series) -> Reason | None:
    """Say why a volume cannot be judged as a plain head CT; ``None`` = it can.

    Args:
        volume: On canonical axes.
        series: Its headers, which settle what pixels leave open.

    Returns:
        ``implausible_hu``, ``not_a_head``, ``too_little_coverage``, ``contrast`` or
        ``bone_kernel`` with a detail in numbers; or ``None``.
    """
    darkest = float(np.percentile(volume.hu[:: max(1, len(volume.hu) // 8), ::4, ::4], 1))
    if darkest > AIR_BELOW_HU:
        return because(Code.IMPLAUSIBLE_HU, f"no air in the picture, darkest {darkest:.0f} HU")
    stride = math.ceil(len(volume.hu) / MAX_LOOKED_AT)
    pixel = (volume.spacing_mm[1], volume.spacing_mm[2])
    rings = [look_outwards(plane, pixel) for plane in volume.hu[::stride]]
    lengths = volume.slice_mm[::stride] * stride
    cranial = [ring for ring in rings if is_cranial(ring)]
    covered = float(sum(mm for ring, mm in zip(rings, lengths, strict=True) if is_cranial(ring)))
    if not cranial:
        return because(Code.NOT_A_HEAD, "no skull with brain inside")
    if covered < MIN_CRANIAL_MM:
        code = Code.TOO_LITTLE_COVERAGE if covered > MIN_CRANIAL_MM / 4 else Code.NOT_A_HEAD
        return because(code, f"skull with brain inside over {covered:.0f} mm only")
    upper = cranial[int(len(cranial) * (1 - UPPER_SHARE)) :]
    return _contrast(upper) or _noise(upper, volume, series)


def is_cranial(ring: Ring) -> bool:
    """Whether a slice shows a skull with brain inside."""
    return (
        ring.closed >= MIN_CLOSED
        and ring.tissue >= MIN_TISSUE
        and RADIUS_MM[0] <= ring.radius_mm <= RADIUS_MM[1]
        and BRAIN_MEDIAN_HU[0] <= ring.median_hu <= BRAIN_MEDIAN_HU[1]
    )


def _contrast(upper: list[Ring]) -> Reason | None:
    """Bright veins: in the sagittal sinus alone, or there and in the depth."""
    sinuses = [ring.sinus_hu for ring in upper if not math.isnan(ring.sinus_hu)]
    if not sinuses:
        return None
    sinus = float(np.median(sinuses))
    vessels = float(np.median([ring.vessels_mm2 for ring in upper]))
    if sinus >= SINUS_CONTRAST_HU or (sinus >= SINUS_SUSPECT_HU and vessels >= VESSELS_MM2):
        return because(Code.CONTRAST, f"sagittal sinus of {sinus:.0f} HU in the pixels")
    return None


def _noise(upper: list[Ring], volume: Volume, series: Series) -> Reason | None:
    """Noise of a bone kernel, allowing for thin slices; a kernel named soft is believed."""
    if classify(series.first.kernel) is Kernel.SOFT:
        return None
    noise = float(np.median([ring.noise_hu for ring in upper]))
    thickness = volume.slice_thickness_mm or volume.spacing_mm[0]
    if noise * math.sqrt(min(thickness, 5.0) / 5.0) > MAX_NOISE_HU:
        return because(Code.BONE_KERNEL, f"pixel noise of {noise:.0f} HU")
    return None
