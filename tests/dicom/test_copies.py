from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ich_cli.dicom.copies import drop_repeats
from ich_cli.dicom.discover import discover
from ich_cli.dicom.volume import load_volume
from ich_cli.domain import FileRef, Volume
from tests.dicom.ct_files import instance, transcode, write_ct, write_stack

NOISE = np.random.default_rng(0).integers(-1000, 2000, (64, 48)).astype(np.int16)


def test_the_same_instance_twice_is_used_once_the_original_first():
    copies = [
        instance("x", file=FileRef(Path("1.dcm")), image_type=("DERIVED",)),
        instance("x", file=FileRef(Path("2.dcm"))),
        instance("x", file=FileRef(Path("3.dcm")), transfer_syntax_uid="1.2.840.10008.1.2.4.90"),
    ]
    kept, skipped = drop_repeats(copies)
    assert [str(item.file) for item in kept] == ["2.dcm"]
    assert {skip.reason.code for skip in skipped} == {"duplicate_instance"}


def test_slices_that_wrongly_share_a_uid_are_all_kept():
    kept, skipped = drop_repeats([instance("x", z) for z in (0, 5, 10)])
    assert len(kept) == 3
    assert skipped == []


def cut(path: Path, source: Path) -> Path:
    """A copy that broke off behind the header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(source.read_bytes()[:-50])
    return path


def chosen(folder: Path) -> tuple[list[str], dict[str, str]]:
    """Names of the files that are read, and the reasons of the others."""
    found = discover([folder])
    read = [item.file for series in found.series for item in series.instances]
    return [str(file.member or file.path.name) for file in read], {
        skip.file.path.name: skip.reason.code for skip in found.skipped
    }


def test_a_whole_copy_is_read_where_another_broke_off(tmp_path):
    whole = write_stack(tmp_path / "b", range(0, 60, 5))
    cut(tmp_path / "a" / "copy.dcm", whole[4])
    found = discover([tmp_path])
    assert [skip.reason.code for skip in found.skipped] == ["truncated"]
    volume = load_volume(found.series[0])
    assert isinstance(volume, Volume)
    assert (len(volume.hu), volume.flags) == (12, ())


@pytest.mark.parametrize("syntax", ["JPEG2000Lossless", "JPEGLSLossless", "RLELossless"])
def test_a_whole_compressed_copy_is_read_before_a_cut_plain_one(tmp_path, syntax):
    plain = write_ct(tmp_path / "a.dcm", stored=NOISE)
    transcode(plain, tmp_path / "b.dcm", syntax)
    assert chosen(tmp_path) == (["a.dcm"], {"b.dcm": "duplicate_instance"})
    cut(plain, plain)
    assert chosen(tmp_path) == (["b.dcm"], {"a.dcm": "truncated"})


def test_a_cut_compressed_copy_is_passed_over(tmp_path):
    plain = write_ct(tmp_path / "plain", stored=NOISE)
    whole = transcode(plain, tmp_path / "b.dcm", "JPEGLSLossless")
    cut(tmp_path / "a.dcm", whole)
    plain.unlink()
    assert chosen(tmp_path) == (["b.dcm"], {"a.dcm": "cannot_decode"})


def test_a_cut_copy_beside_the_archive_it_came_from_is_passed_over(tmp_path):
    whole = write_ct(tmp_path / "slice.dcm", stored=NOISE)
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.write(whole, "member.dcm")
    cut(whole, whole)
    assert chosen(tmp_path) == (["member.dcm"], {"slice.dcm": "truncated"})


def test_where_every_copy_broke_off_the_slice_is_lost_once(tmp_path):
    cut(tmp_path / "a.dcm", write_ct(tmp_path / "b.dcm", stored=NOISE))
    (tmp_path / "b.dcm").write_bytes((tmp_path / "a.dcm").read_bytes()[:-50])
    names, skipped = chosen(tmp_path)
    assert (names, skipped) == (["a.dcm"], {"b.dcm": "truncated"})


def test_copies_of_one_length_are_taken_to_be_equal(tmp_path):
    """Even where both broke off: an archive copied as a whole is not read to compare it."""
    first = cut(tmp_path / "a.dcm", write_ct(tmp_path / "whole", stored=NOISE))
    (tmp_path / "whole").unlink()
    shutil.copy(first, tmp_path / "b.dcm")
    assert chosen(tmp_path) == (["a.dcm"], {"b.dcm": "duplicate_instance"})
