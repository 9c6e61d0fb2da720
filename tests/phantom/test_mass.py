"""A bleed makes room for itself."""

from __future__ import annotations

import numpy as np
import pytest

from ich_cli.domain import Side, Subtype
from ich_cli.phantom.head import HeadPhantom, make_head
from ich_cli.phantom.spec import Bleed, PhantomSpec


def ventricle_middle_mm(head: HeadPhantom) -> float:
    """Mean x of the fluid in the bodies of the lateral ventricles."""
    zs = np.abs(head.grid.centres_mm - 14) < 8
    y = head.grid.positions_mm[0][1] + np.arange(head.grid.matrix) * head.grid.pixel_mm
    xs = np.abs(head.grid.x_mm) < 22
    part = head.hu[zs][:, np.abs(y + 10) < 24][:, :, xs]
    _, _, at = np.nonzero((part > -5) & (part < 18))
    return float(head.grid.x_mm[xs][at].mean())


@pytest.mark.parametrize(
    ("subtype", "side"),
    [(Subtype.EDH, Side.LEFT), (Subtype.IPH, Side.RIGHT), (Subtype.SDH, Side.RIGHT)],
)
def test_large_bleed_shifts_the_ventricles_to_the_other_side(subtype: Subtype, side: Side) -> None:
    spec = PhantomSpec(seed=41, matrix=128, noise_hu=0)
    before = ventricle_middle_mm(make_head(spec))
    bleeds = (Bleed(subtype, 80, side),)
    after = ventricle_middle_mm(
        make_head(PhantomSpec(seed=41, matrix=128, noise_hu=0, bleeds=bleeds))
    )
    towards = -1 if side is Side.LEFT else 1
    assert 0.5 < towards * (after - before) < 12


def test_skull_does_not_move() -> None:
    spec = PhantomSpec(seed=42, matrix=96, noise_hu=0, slices=10)
    bleeds = (Bleed(Subtype.SDH, 60),)
    moved = make_head(PhantomSpec(seed=42, matrix=96, noise_hu=0, slices=10, bleeds=bleeds))
    plain = make_head(spec)
    # Blood instead of brain in a voxel shared with bone changes a few of them.
    differs = (moved.hu > 700) != (plain.hu > 700)
    assert differs.sum() < 0.02 * (plain.hu > 700).sum()
