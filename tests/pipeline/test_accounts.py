"""Every file that was seen is used or has a reason; the sums agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ich_cli.dicom.discover import Discovery
from ich_cli.dicom.select import Rejected
from ich_cli.domain import FileRef, Reason, Series, Skipped
from ich_cli.pipeline.accounts import FileAccounts
from tests.pipeline.series import make_series


@pytest.fixture
def head(tmp_path: Path) -> Series:
    return make_series(tmp_path, "1", "1.1", slices=5)


@pytest.fixture
def accounts(tmp_path: Path, head: Series) -> FileAccounts:
    scout = make_series(tmp_path, "1", "1.2", slices=2)
    text = Skipped(FileRef(tmp_path / "notes.txt"), Reason("not_dicom"))
    found = Discovery((head, scout), (text,), n_files=8)
    return FileAccounts(found, [Rejected(scout, Reason("localizer"))], [head])


def record(used: int, **skipped: int) -> dict[str, Any]:
    return {
        "study_uid": "1",
        "series_uid": "1.1",
        "series_part": 0,
        "files": {"used": used, "skipped": skipped},
    }


def adds_up(accounts: FileAccounts) -> bool:
    return accounts.used + sum(accounts.skipped.values()) == accounts.seen


def test_a_row_says_what_became_of_its_files(accounts: FileAccounts):
    accounts.add(record(4, same_place=1))
    accounts.close()
    assert accounts.used == 4
    assert accounts.skipped == {"not_dicom": 1, "localizer": 2, "same_place": 1}
    assert adds_up(accounts)


def test_a_series_without_a_row_is_waiting(accounts: FileAccounts):
    accounts.close()
    assert accounts.skipped["waiting"] == 5
    assert adds_up(accounts)


def test_a_row_counts_once(accounts: FileAccounts):
    accounts.add(record(5))
    accounts.add(record(5))
    accounts.close()
    assert adds_up(accounts)


def test_rows_of_other_runs_do_not_count(accounts: FileAccounts):
    accounts.add({**record(5), "series_uid": "9.9"})
    accounts.close()
    assert accounts.used == 0
    assert adds_up(accounts)


def test_what_is_left_of_a_series_that_lost_files_is_used(accounts: FileAccounts):
    accounts.add(record(9), changed=True)
    accounts.close()
    assert accounts.used == 5
    assert adds_up(accounts)
