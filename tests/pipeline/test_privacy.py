from __future__ import annotations

import os
import stat
import string
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ich_cli.errors import UsageError
from ich_cli.pipeline.privacy import KEY_FILE, config_home, load_key, pseudonym

KEY = bytes(range(32))


def test_a_pseudonym_is_hmac_sha256_as_published() -> None:
    # RFC 4231, test case 1.
    assert pseudonym("Hi There", b"\x0b" * 20) == "b0344c61d8db3853"


@given(st.text(min_size=1).filter(str.strip))
def test_a_pseudonym_is_stable_hexadecimal_and_depends_on_the_key(value: str) -> None:
    name = pseudonym(value, KEY)
    assert name == pseudonym(value, KEY)
    assert len(name) == 16
    assert set(name) <= set(string.hexdigits.lower())
    assert name != pseudonym(value, KEY[::-1])


def test_padding_of_a_header_does_not_make_another_patient() -> None:
    assert pseudonym("PAT-1 ", KEY) == pseudonym("PAT-1", KEY)


def test_unknown_stays_unknown() -> None:
    assert pseudonym("", KEY) == ""


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    key = load_key(tmp_path / "new")
    assert len(key) == 32
    assert load_key(tmp_path / "new") == key
    assert [p.name for p in (tmp_path / "new").iterdir()] == [KEY_FILE]
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "new" / KEY_FILE).stat().st_mode) == 0o600


def test_the_key_lies_in_the_users_configuration_folder(tmp_path: Path) -> None:
    load_key()
    assert (config_home() / KEY_FILE).is_file()
    assert config_home().is_relative_to(tmp_path)


def test_first_runs_at_once_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: load_key(tmp_path / "shared"), range(64)))
    assert len(keys) == 1


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    load_key(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        load_key(tmp_path)


@pytest.mark.parametrize("content", ["", "abc", "00" * 31, "zz" * 32])
def test_a_damaged_key_is_never_silently_replaced(tmp_path: Path, content: str) -> None:
    path = tmp_path / KEY_FILE
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(UsageError, match="damaged"):
        load_key(tmp_path)
    assert path.read_text() == content


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="XDG_CONFIG_HOME"):
        load_key(tmp_path / "file" / "ich")
