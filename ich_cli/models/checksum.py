"""Weights are used only when they are the very bytes that their card promises."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ich_cli.errors import ModelError

MAX_ONNX_BYTES = 2**31 - 1
"""An ONNX file is one protobuf message, which cannot be larger."""


def read_verified(path: Path, sha256: str) -> bytes:
    """Read a weights file whose SHA-256 must be ``sha256`` (hex, lower case).

    The bytes that were checked are the bytes returned, so nothing can change between.

    Raises:
        ModelError: The file is missing, unreadable, empty, too large, or differs.
    """
    try:
        size = path.stat().st_size
        if size > MAX_ONNX_BYTES:
            raise ModelError(f"{path}: larger than an ONNX file can be; restore the weights file")
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"{path}: cannot read the weights ({error.strerror}); put the file beside its card"
        ) from None
    if not content:
        raise ModelError(f"{path}: the weights file is empty; restore it")
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ModelError(
            f"{path}: checksum mismatch (file {found[:12]}…, card {sha256[:12]}…); "
            "restore the weights file or correct sha256 in its card"
        )
    return content


def matches(path: Path, sha256: str) -> bool:
    """Whether the file at ``path`` is there and has this SHA-256."""
    try:
        read_verified(path, sha256)
    except ModelError:
        return False
    return True
