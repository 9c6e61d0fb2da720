from __future__ import annotations

from itertools import pairwise

import numpy as np

from ich_cli.dicom.discover import discover
from ich_cli.dicom.repeats import choose
from ich_cli.dicom.volume import load_volume
from ich_cli.domain import Volume


def pose(shift: int, seed: int) -> np.ndarray:
    """A head that lies somewhere, with noise."""
    hu = np.full((128, 128), -1000.0, np.float32)
    hu[30:90, 20 + shift : 80 + shift] = 35
    hu[50:60, 30 + shift : 40 + shift] = 5
    return hu + np.random.default_rng(seed).normal(0, 3, hu.shape).astype(np.float32)


def test_without_repeats_nothing_is_looked_at():
    def never(index: int) -> np.ndarray:
        raise AssertionError(index)

    assert choose([(2,), (0,), (1,)], never) == [2, 0, 1]


def test_the_run_that_fits_the_rest_of_the_scan_is_taken():
    """Places 0 to 3 were scanned in two poses, in mixed order; 4 and 5 once, in the second."""
    poses = [0, 25, 25, 0, 0, 25, 25, 0, 25, 25]
    images = [pose(shift, seed) for seed, shift in enumerate(poses)]
    places = [(0, 1), (2, 3), (4, 5), (6, 7), (8,), (9,)]
    assert choose(places, images.__getitem__) == [1, 2, 5, 6, 8, 9]


def test_uniform_slices_leave_the_choice_to_the_first():
    blank = np.zeros((128, 128), np.float32)
    assert choose([(0, 1), (2, 3)], lambda _: blank) == [0, 2]


def test_a_real_rescan_after_motion_is_stacked_in_one_pose(shared_data):
    """Eight places were scanned twice with the head turned; neighbours must match."""
    (series,) = discover([shared_data / "rsna_scans" / "ID_462abff7"]).series
    volume = load_volume(series)
    assert isinstance(volume, Volume)
    assert len(volume.skipped) == 8
    brain = np.clip(volume.hu[:9, ::8, ::8], 0, 80).reshape(9, -1)
    alike = [float(np.corrcoef(a, b)[0, 1]) for a, b in pairwise(brain)]
    assert min(alike) > 0.7
