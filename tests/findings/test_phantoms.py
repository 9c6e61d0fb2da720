"""Phantoms with known bleeds: millilitres, side and region come back from the truth mask."""

from __future__ import annotations

from fnmatch import fnmatch

import numpy as np
import pytest

from ich_cli.domain import SUBTYPES, Side, Subtype, Volume
from ich_cli.findings.assess import assess_with
from ich_cli.findings.policy import Policy
from ich_cli.phantom.head import HeadPhantom, make_head
from ich_cli.phantom.spec import Bleed, PhantomSpec
from tests.findings.heads import predict


def volume_of(head: HeadPhantom) -> Volume:
    grid = head.grid
    affine = np.eye(4)
    affine[:3, 0] = (grid.pixel_mm, 0.0, 0.0)
    affine[:3, 1] = np.asarray(grid.column_direction) * grid.pixel_mm
    affine[:3, 2] = (grid.positions_mm[-1] - grid.positions_mm[0]) / (grid.n - 1)
    affine[:3, 3] = grid.positions_mm[0]
    return Volume(
        head.hu,
        head.spacing_mm,
        grid.slice_mm.astype(np.float32),
        grid.positions_mm,
        affine,
        tuple(str(z) for z in range(grid.n)),
        tilt_deg=grid.tilt_deg,
    )


@pytest.mark.parametrize(
    ("subtype", "place", "ml", "side", "region", "infratentorial"),
    [
        (Subtype.EDH, "frontal", 25.0, Side.LEFT, "left frontal convexity", False),
        (Subtype.IPH, "thalamus", 6.0, Side.LEFT, "left thalamus", False),
        (Subtype.IPH, "frontal", 35.0, Side.RIGHT, "right frontal lobe", False),
        (Subtype.IPH, "cerebellum", 12.0, Side.RIGHT, "right cerebellum", True),
        (Subtype.IVH, "lateral", 10.0, Side.LEFT, "left lateral ventricle", False),
        (Subtype.SAH, "basal_cisterns", 15.0, Side.LEFT, "basal cisterns", False),
        # The crescent lies over two lobes in nearly equal parts: which is larger says little.
        (Subtype.SDH, "convexity", 60.0, Side.RIGHT, "right * convexity", False),
    ],
    ids=lambda value: value.value if hasattr(value, "value") else str(value),
)
def test_a_known_bleed_is_measured_and_named(
    subtype, place, ml, side, region, infratentorial
) -> None:
    head = make_head(
        PhantomSpec(seed=3, matrix=128, tilt_deg=10.0, bleeds=(Bleed(subtype, ml, side, place),))
    )
    got = assess_with(
        volume_of(head), predict(head.labels, inside=0.99, outside=0.0), Policy(rank=1)
    )
    finding = got.findings[SUBTYPES.index(subtype)]
    assert finding.call
    assert finding.ml is not None
    assert finding.ml.value == pytest.approx(head.ml[subtype], rel=0.05, abs=0.3)
    assert got.side is side
    largest = next(iter(finding.regions))
    assert fnmatch(largest, region)
    assert largest in got.sentence or largest.split(" ", 1)[1] in got.sentence
    assert got.measurements["infratentorial"].value is infratentorial
    assert got.measurements["volume_ge_30ml"].value is (head.ml[subtype] >= 30)
    assert got.measurements["ivh"].value is (subtype is Subtype.IVH)
    shift = got.measurements["midline_shift_mm"]
    assert shift.value is None or abs(float(shift.value)) < 3.0
    assert bool(shift.reason) is (shift.value is None)


def test_a_head_without_mask_names_places_by_heat_and_no_volume() -> None:
    head = make_head(
        PhantomSpec(seed=3, matrix=128, bleeds=(Bleed(Subtype.IPH, 20.0, Side.RIGHT, "parietal"),))
    )
    full = predict(head.labels, inside=0.99, outside=0.0)
    heat = (head.labels > 0).astype(np.float32)
    blind = type(full)(full.probs, None, heat)
    got = assess_with(volume_of(head), blind, Policy(rank=1))
    assert got.total_ml is None
    assert got.side is Side.RIGHT
    assert got.location is not None
    assert "right parietal lobe" in got.location
    assert "no mask" in got.ml_reason
