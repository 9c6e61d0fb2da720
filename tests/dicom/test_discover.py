from __future__ import annotations

import logging
import warnings

import pytest

from ich_cli.dicom.discover import discover
from ich_cli.errors import UsageError
from tests.dicom.ct_files import write_ct, write_stack


def test_everything_met_is_in_a_series_or_skipped(tmp_path):
    write_stack(tmp_path / "a", [0, 5, 10])
    write_stack(tmp_path / "b", [0, 5], SeriesInstanceUID="1.2.9", Modality="MR")
    (tmp_path / "notes.txt").write_text("no DICOM in here, only words and words")
    (tmp_path / "empty").touch()
    found = discover([tmp_path])
    assert found.n_files == 7
    assert [len(series.instances) for series in found.series] == [3, 2]
    assert sorted(skip.reason.code for skip in found.skipped) == ["empty_file", "not_dicom"]


def test_the_number_of_workers_makes_no_difference(tmp_path):
    for series in range(3):
        write_stack(tmp_path / str(series), range(0, 200, 5), SeriesInstanceUID=f"1.{series}")
    assert discover([tmp_path], workers=1) == discover([tmp_path], workers=7)


def test_progress_reaches_the_number_of_files(tmp_path):
    write_stack(tmp_path, range(100))
    seen: list[int] = []
    discover([tmp_path], on_progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 100


def test_an_empty_folder_is_no_error(tmp_path):
    found = discover([tmp_path])
    assert (found.series, found.skipped, found.n_files) == ((), (), 0)


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(UsageError):
        discover([tmp_path / "gone"])


def test_broken_values_neither_warn_nor_get_into_logs(tmp_path, caplog):
    """pydicom quotes the values it complains about: identifiers among them."""
    path = write_ct(tmp_path / "a.dcm", PatientID="SECRET-ID")
    path.write_bytes(path.read_bytes().replace(b"1.2.3.4", b"SECRET7"))
    with warnings.catch_warnings(), caplog.at_level(logging.DEBUG):
        warnings.simplefilter("error")
        discover([tmp_path])
    assert "SECRET" not in caplog.text


def test_the_odd_files_all_add_up(shared_data):
    found = discover([shared_data / "dicom_edge"])
    held = [item.file for series in found.series for item in series.instances]
    named = [skip.file for skip in found.skipped]
    files = [path for path in (shared_data / "dicom_edge").rglob("*") if path.is_file()]
    assert found.n_files == len(files)
    assert len(held) + len(named) == len(set(held) | set(named)) == found.n_files
