"""Which scans are simulated: kinds, and heads that no training saw."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from benchmarks.simulated_cases import KINDS, head_of_case, kind_of_case, load_head, simulated
from ich_cli.dicom.plausibility import judge_pixels
from ich_cli.domain import SUBTYPES, FileRef, Instance, Series, Subtype
from training.simulation.bleeds import draw_bleed


def test_thirty_cases_hold_every_kind_once() -> None:
    count = Counter(kind_of_case(n) for n in range(len(KINDS)))
    assert count.pop(None) == 10
    assert len(count) == len(SUBTYPES) * 4
    assert set(count.values()) == {1}
    assert len({kind_of_case(n) for n in range(8)} - {None}) >= 4


@pytest.mark.data
def test_sixty_cases_are_of_twelve_unseen_heads(shared_data: Path) -> None:
    heads = Counter(head_of_case(shared_data, n) for n in range(60))
    names = {file.name for file, _ in heads}
    assert set(heads.values()) == {5}
    assert len(heads) == 12
    assert names == {f"training_seg_{n}.nii.gz" for n in range(15, 21)}


@pytest.mark.data
@pytest.mark.slow
def test_a_subdural_bleed_stays_at_the_inner_table(shared_data: Path) -> None:
    head, _ = load_head(*head_of_case(shared_data, 7))
    bleed = draw_bleed(head, Subtype.SDH, 40.0, np.random.default_rng(7))
    index = np.argwhere(bleed.mask)
    inner = ndimage.binary_fill_holes(ndimage.binary_closing(head.cavity, iterations=3))
    sizes = np.bincount(ndimage.label(bleed.mask)[0].ravel())[1:]
    assert sizes.max() / sizes.sum() > 0.95
    assert ndimage.distance_transform_edt(inner)[tuple(index.T)].max() < 16


@pytest.mark.data
@pytest.mark.slow
def test_a_simulated_head_passes_as_a_plain_head_ct(shared_data: Path) -> None:
    case = next(simulated(shared_data, 1))
    volume, truth = case.make()
    header = Instance(FileRef(Path("a")), "1", "1", "1")
    assert judge_pixels(volume, Series("1", "1", 0, (header,))) is None
    assert truth["subtypes"] == [kind_of_case(0)[0].value]
    assert 0.2 < truth["ml"] <= 1.0
