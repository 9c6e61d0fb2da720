"""Muscle and scalp are no intracranial blood, however the network likes them."""

from __future__ import annotations

import numpy as np

from ich_cli.domain import Subtype
from ich_cli.findings.atlas import load_atlas
from ich_cli.findings.coarse import coarse_head
from ich_cli.findings.extracranial import drop_extracranial
from ich_cli.findings.locate import Place
from ich_cli.findings.midline import Midplane
from ich_cli.findings.registration import Fit
from tests.findings.heads import Ball, Scan, scan_head

MUSCLE = Ball(Subtype.IPH, (-40.0, -70.0, -55.0), (10.0, 12.0, 12.0))
SUBDURAL = Ball(Subtype.SDH, (62.0, 5.0, 10.0), (5.0, 25.0, 20.0))


def placed(volume, good: bool = True) -> Place:
    """The analytic head lies as the template does, so its fit is known."""
    matrix = np.diag([0.92, 0.92, 0.92, 1.0])
    matrix[:3, 3] = (0.0, 14.0, 6.0)
    plane = Midplane(np.array([1.0, 0.0, 0.0]), 0.0, 1.0)
    return Place(coarse_head(volume), plane, Fit(matrix, 0.9, good), load_atlas())


def test_what_lies_outside_the_skull_is_dropped_and_the_rest_is_kept() -> None:
    volume, truth = scan_head(Scan(balls=[MUSCLE, SUBDURAL], size=(40, 80, 80)))
    kept = drop_extracranial(truth, volume, placed(volume))
    assert (truth == 2).any()
    assert not (kept == 2).any()
    assert np.array_equal(kept == 5, truth == 5)


def test_the_bone_must_agree_with_the_template() -> None:
    volume, truth = scan_head(Scan(balls=[MUSCLE], size=(40, 80, 80)))
    volume.hu[volume.hu > 200] = 40.0
    assert drop_extracranial(truth, volume, placed(volume)) is truth


def test_the_template_must_agree_with_the_bone() -> None:
    deep = Ball(Subtype.IPH, (40.0, 10.0, -40.0), (8.0, 8.0, 8.0))
    volume, truth = scan_head(Scan(balls=[deep], size=(40, 80, 80)))
    volume.hu[:, :, 45:50] = 900.0
    assert drop_extracranial(truth, volume, placed(volume)) is truth


def test_without_a_good_fit_nothing_is_dropped() -> None:
    volume, truth = scan_head(Scan(balls=[MUSCLE], size=(40, 80, 80)))
    assert drop_extracranial(truth, volume, placed(volume, good=False)) is truth
