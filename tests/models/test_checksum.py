from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ich_cli.errors import ModelError
from ich_cli.models.checksum import MAX_ONNX_BYTES, matches, read_verified


def test_the_promised_bytes_are_returned(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(b"weights")
    sha256 = hashlib.sha256(b"weights").hexdigest()
    assert read_verified(path, sha256) == b"weights"
    assert matches(path, sha256)


def test_one_changed_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(b"weightz")
    sha256 = hashlib.sha256(b"weights").hexdigest()
    with pytest.raises(ModelError, match=r"checksum mismatch.*restore the weights file"):
        read_verified(path, sha256)
    assert not matches(path, sha256)


def test_a_missing_file_says_where_it_belongs(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="put the file beside its card"):
        read_verified(tmp_path / "a.onnx", "0" * 64)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.touch()
    with pytest.raises(ModelError, match="empty"):
        read_verified(path, "0" * 64)


def test_a_file_beyond_the_format_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    with path.open("wb") as file:
        file.truncate(MAX_ONNX_BYTES + 1)  # sparse: takes no disk
    with pytest.raises(ModelError, match="larger than an ONNX file can be"):
        read_verified(path, "0" * 64)
