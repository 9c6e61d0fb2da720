from __future__ import annotations

import pytest

from ich_cli.dicom.kernels import Kernel, classify


@pytest.mark.parametrize(
    "name",
    ["STANDARD", "SOFT", "H30s", "J40s\\3", "Hr40f", "H31f", "FC21", "FC68", "FC41", "UB", "A",
     "B30f", "Brain Standard"],
)  # fmt: skip
def test_soft_kernels(name):
    assert classify(name) is Kernel.SOFT


@pytest.mark.parametrize(
    "name",
    ["BONE", "BONEPLUS", "EDGE", "LUNG", "H60s", "H70h", "Hr64h", "U90u", "FC30", "FC81", "D",
     "YC", "B70f", "J70h\\2"],
)  # fmt: skip
def test_bone_kernels(name):
    assert classify(name) is Kernel.BONE


@pytest.mark.parametrize("name", [None, "", "59 convkernel.10.AB40", "17", "SPECIAL"])
def test_others_are_unknown(name):
    assert classify(name) is not Kernel.BONE
