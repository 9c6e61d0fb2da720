from __future__ import annotations

import shutil
import stat
import zipfile
from pathlib import Path

import pytest

from ich_cli.dicom import archive
from ich_cli.dicom.archive import list_members, open_file
from ich_cli.dicom.discover import discover
from ich_cli.dicom.volume import load_volume
from ich_cli.domain import FileRef, Volume
from tests.dicom.ct_files import write_ct, write_stack


def zip_of(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in members.items():
            opened.writestr(name, data)
    return path


def reasons(path: Path) -> dict[str, str]:
    return {skip.file.member or "": skip.reason.code for skip in list_members(path)[1]}


def test_members_are_listed_and_read_in_place(tmp_path):
    path = zip_of(tmp_path / "a.zip", {"x/1.dcm": b"one", "x/2": b"two"})
    files, skipped = list_members(path)
    assert [file.member for file in files] == ["x/1.dcm", "x/2"]
    assert skipped == []
    with open_file(files[1]) as stream:
        assert stream.read() == b"two"
    assert list(tmp_path.iterdir()) == [path], "nothing is unpacked"


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/../../b", "C:\\x", "..\\x"])
def test_names_that_climb_out_are_refused(tmp_path, name):
    assert reasons(zip_of(tmp_path / "a.zip", {name: b"x", "good": b"x"})) == {name: "unsafe_path"}


def test_a_link_inside_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        opened.writestr(info, "/etc/passwd")
    assert reasons(tmp_path / "a.zip") == {"link": "not_a_file"}


def test_an_absurd_ratio_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "RATIO_FREE_BYTES", 1 << 20)
    bomb = zip_of(tmp_path / "bomb.zip", {"a": bytes(8 << 20)})
    assert reasons(bomb) == {"": "archive_ratio"}
    mixed = zip_of(tmp_path / "mixed.zip", {"a": bytes(8 << 20), "b": _noise(1 << 20)})
    assert reasons(mixed) == {"a": "archive_ratio"}


def test_absurd_sizes_and_counts_are_refused(tmp_path, monkeypatch):
    path = zip_of(tmp_path / "a.zip", {str(i): _noise(2000) for i in range(5)})
    monkeypatch.setattr(archive, "MAX_INFLATED_BYTES", 1000)
    assert set(reasons(path).values()) == {"too_large"}
    monkeypatch.setattr(archive, "MAX_MEMBERS", 4)
    assert reasons(path) == {"": "archive_members"}
    monkeypatch.setattr(archive, "MAX_MEMBERS", 5)
    monkeypatch.setattr(archive, "MAX_ARCHIVE_BYTES", 5000)
    assert reasons(path) == {"": "too_large"}


def test_a_damaged_archive_is_one_reason(tmp_path):
    path = zip_of(tmp_path / "a.zip", {"a": _noise(5000)})
    path.write_bytes(path.read_bytes()[:3000])
    assert reasons(path) == {"": "broken_archive"}


def test_a_damaged_member_costs_only_itself(tmp_path):
    folder = tmp_path / "in"
    names = [path.name for path in write_stack(folder, [0, 5, 10])]
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as opened:
        for name in names:
            opened.write(folder / name, name)
    data = bytearray(path.read_bytes())
    start = data.index(b"001.dcm") + 7
    data[start + 300 : start + 340] = bytes(40)
    path.write_bytes(data)
    found = discover([path])
    assert found.n_files == 3
    assert sum(len(series.instances) for series in found.series) + len(found.skipped) == 3
    assert sum(len(series.instances) for series in found.series) >= 2


def test_a_series_in_an_archive_becomes_a_volume(tmp_path):
    folder = tmp_path / "in"
    members = {file.name: file.read_bytes() for file in write_stack(folder, [10, 0, 5])}
    path = zip_of(tmp_path / "a.zip", members)
    (series,) = discover([path]).series
    volume = load_volume(series)
    assert isinstance(volume, Volume)
    assert volume.hu[:, 0, 0].tolist() == [1, 2, 0]
    assert volume.used[0] == FileRef(path, "001.dcm")


def test_encrypted_and_nested_archives_are_named(tmp_path):
    inner = zip_of(tmp_path / "inner.zip", {"a": b"x"})
    outer = zip_of(tmp_path / "outer.zip", {"inner.zip": inner.read_bytes()})
    inner.unlink()
    assert [skip.reason.code for skip in discover([outer]).skipped] == ["nested_archive"]
    data = bytearray(zip_of(tmp_path / "locked.zip", {"a": b"secret"}).read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(data)
    assert reasons(tmp_path / "locked.zip") == {"a": "encrypted"}


def _noise(size: int) -> bytes:
    import random

    return random.Random(0).randbytes(size)


@pytest.mark.parametrize("kind", ["tar", "gztar", "bztar", "xztar"])
def test_other_archives_are_to_be_unpacked_first(tmp_path, kind):
    write_ct(tmp_path / "study" / "a.dcm")
    file = Path(shutil.make_archive(str(tmp_path / "study"), kind, tmp_path / "study"))
    shutil.rmtree(tmp_path / "study")
    assert [skip.reason.code for skip in discover([tmp_path]).skipped] == ["unpack_first"]
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as outer:
        outer.write(file, file.name)
    file.unlink()
    assert [skip.reason.code for skip in discover([tmp_path]).skipped] == ["unpack_first"]
