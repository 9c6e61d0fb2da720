"""Small heads and what a network may have said of them."""

from __future__ import annotations

import numpy as np

from ich_cli.domain import (
    SUBTYPES,
    Assessment,
    Finding,
    Interval,
    Side,
    SlicePrediction,
    Status,
    Subtype,
    Volume,
)

UIDS = tuple(f"1.2.826.0.1.3680043.8.498.77777.{i}" for i in range(99))


def head(
    n: int = 12, size: int = 64, pixel_mm: float = 3.5, z_mm: float = 5.0, bleed: bool = True
) -> Volume:
    """An ellipsoid of brain in bone in air, with a bright ball in the patient's left half."""
    z, y, x = np.mgrid[:n, :size, :size].astype(np.float32)
    centre = (size - 1) / 2
    height = np.sqrt(np.clip(1.0 - ((z - n / 2 + 0.5) / (0.6 * n)) ** 2, 0.0, 1.0))
    radius_mm = np.hypot((y - centre) * 0.9, x - centre) * pixel_mm
    outline = 88.0 * height
    hu = np.where(radius_mm < outline, 900.0, -1000.0)
    hu = np.where(radius_mm < outline - 8.0, 34.0, hu)
    if bleed:
        ball = np.hypot((y - centre) * pixel_mm, (x - centre) * pixel_mm - 30.0)
        hu = np.where((ball < 14.0) & (np.abs(z - n / 2) < 2), 68.0, hu)
    noise = np.random.default_rng(5).normal(0.0, 3.0, hu.shape)
    hu = np.where(hu > -900.0, hu + noise, hu).astype(np.float32)
    positions = np.zeros((n, 3))
    positions[:, 2] = np.arange(n) * z_mm
    return Volume(
        hu=hu,
        spacing_mm=(z_mm, pixel_mm, pixel_mm),
        slice_mm=np.full(n, z_mm, np.float32),
        positions_mm=positions,
        affine=np.eye(4),
        sop_uids=UIDS[:n],
    )


def prediction(n: int = 12, peak: int | None = 6) -> SlicePrediction:
    """Suspicion that rises to one slice."""
    probs = np.full((n, 6), 0.02, np.float32)
    if peak is not None:
        probs[:, 0] = 0.9 * np.exp(-np.abs(np.arange(n) - peak) / 2.0)
    return SlicePrediction(probs=probs)


def assessment(
    *subtypes: Subtype,
    side: Side | None = Side.LEFT,
    ml: float | None = 24.0,
    regions: dict[str, float] | None = None,
    any_prob: float | None = None,
) -> Assessment:
    """A positive scan with the named subtypes, or a negative one without."""
    positive = bool(subtypes)
    volume = None if ml is None or not positive else Interval(ml, 0.8 * ml, 1.2 * ml)
    return Assessment(
        status=Status.POSITIVE if positive else Status.NEGATIVE,
        any_prob=(0.97 if positive else 0.03) if any_prob is None else any_prob,
        any_call=positive,
        findings=tuple(
            Finding(s, 0.9 if s in subtypes else 0.05, s in subtypes, regions=regions or {})
            for s in SUBTYPES
        ),
        total_ml=volume,
        side=side if positive else None,
    )
