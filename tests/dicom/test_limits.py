from __future__ import annotations

import pytest

from ich_cli.dicom.limits import MIB, check_matrix, check_pixels


@pytest.mark.parametrize("shape", [(512, 512, 1), (1024, 1024, 1), (512, 512, 1200), (64, 64, 1)])
def test_what_scanners_write_passes(shape):
    assert check_matrix(*shape) is None


@pytest.mark.parametrize("shape", [(0, 512, 1), (512, -1, 1), (65535, 65535, 1), (8, 8, 10**9)])
def test_what_no_scanner_writes_is_refused(shape):
    reason = check_matrix(*shape)
    assert reason is not None
    assert reason.code == "too_large"


def test_pixels_beyond_proportion_are_refused():
    assert check_pixels(512 * 512 * 2, 3000) is None
    assert check_pixels(600 * MIB, 300 * MIB) is None
    assert check_pixels(600 * MIB, 3000) is not None
    assert check_pixels(5000 * MIB, 4000 * MIB) is not None
