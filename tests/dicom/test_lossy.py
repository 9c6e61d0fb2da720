from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from ich_cli.dicom.discover import discover
from ich_cli.dicom.lossy import lossy_note
from ich_cli.dicom.volume import load_volume
from ich_cli.domain import Reason, Volume
from tests.dicom.ct_files import instance, write_ct

NOISE = np.random.default_rng(0).integers(0, 2000, (64, 48)).astype(np.uint16)
JPEG_2000 = "1.2.840.10008.1.2.4.91"


def load(folder: Path) -> Volume:
    (series,) = discover([folder]).series
    volume = load_volume(series)
    assert isinstance(volume, Volume), volume
    return volume


@pytest.mark.parametrize(("command", "lossy"), [("+en", True), ("+el", False)])
def test_a_scan_compressed_with_loss_is_flagged_with_its_ratio(tmp_path, command, lossy):
    if shutil.which("dcmcjpls") is None:
        pytest.skip("needs dcmcjpls of dcmtk")
    (tmp_path / "scan").mkdir()
    for z in (0, 5, 10):
        plain = write_ct(tmp_path / "plain", stored=NOISE, ImagePositionPatient=[0, 0, z])
        target = tmp_path / "scan" / f"{z}.dcm"
        subprocess.run(["dcmcjpls", command, plain, target], check=True)
    volume = load(tmp_path / "scan")
    assert ("lossy_compression" in volume.flags) is lossy
    assert any(str(note).startswith("lossy_compression: 3 of 3 slices, up to 1.")
               for note in volume.notes) is lossy  # fmt: skip


def test_a_loss_is_told_of_pixels_that_are_stored_plain_again(tmp_path):
    for z in (0, 5):
        write_ct(tmp_path / f"{z}", ImagePositionPatient=[0, 0, z], LossyImageCompression="01")
    assert load(tmp_path).flags == ("lossy_compression",)


def test_the_syntax_speaks_where_the_header_is_silent():
    silent = instance(transfer_syntax_uid=JPEG_2000)
    assert lossy_note([instance(), silent]) == Reason("lossy_compression", "1 of 2 slices")
    denied = instance(transfer_syntax_uid=JPEG_2000, tags={"LossyImageCompression": "00"})
    assert lossy_note([denied]) is None, "JPEG 2000 of this syntax may be lossless"


def test_the_highest_of_several_ratios_is_told():
    tags = {"LossyImageCompression": "01", "LossyImageCompressionRatio": "9.6\\12.04"}
    assert lossy_note([instance(tags=tags)]) == Reason(
        "lossy_compression", "1 of 1 slices, up to 12 to 1"
    )
