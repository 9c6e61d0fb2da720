"""Keyed pseudonyms for identifiers.

The same patient has the same name in every run of this user, and no one without the key
can go back from the name to the patient or try candidates out.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
import sys
import tempfile
from pathlib import Path

from ich_cli.errors import UsageError

KEY_BYTES = 32
KEY_FILE = "pseudonym.key"
PSEUDONYM_CHARS = 16


def pseudonym(value: str, key: bytes) -> str:
    """The name under which ``value`` may leave: HMAC-SHA256, 16 hexadecimal characters.

    An empty value stays empty: unknown is not a patient of its own.
    """
    if not value:
        return ""
    digest = hmac.new(key, value.strip().encode("utf-8", "surrogatepass"), hashlib.sha256)
    return digest.hexdigest()[:PSEUDONYM_CHARS]


def config_home() -> Path:
    """The user's configuration folder of this program; it need not exist."""
    if sys.platform == "win32":
        base = os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming"
    else:
        base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "ich"


def load_key(config_dir: Path | None = None) -> bytes:
    """Read the user's key; make one, readable by the user alone, when there is none.

    Two first runs at once end up with the same key: it is linked into place whole, and
    whoever comes second reads what the first one made.

    Args:
        config_dir: Folder of the key; the user's configuration folder by default.

    Raises:
        UsageError: The key cannot be read or made, has a wrong length, or others may read it.
    """
    folder = config_home() if config_dir is None else config_dir
    path = folder / KEY_FILE
    try:
        if not path.exists():
            _create(path)
        return _read(path)
    except OSError as err:
        raise UsageError(
            f"cannot read or create the pseudonym key {path}: {err.strerror}; "
            "make the folder writable or set XDG_CONFIG_HOME"
        ) from err


def _create(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".key-")
    made = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_hex(KEY_BYTES).encode("ascii") + b"\n")
            file.flush()
            os.fsync(file.fileno())
        _link(made, path)
    finally:
        made.unlink(missing_ok=True)


def _link(made: Path, path: Path) -> None:
    """Put ``made`` at ``path`` unless another run was first."""
    try:
        os.link(made, path)
    except FileExistsError:
        return
    except OSError:
        # File systems without hard links: the window of a race is accepted there.
        if not path.exists():
            made.replace(path)


def _read(path: Path) -> bytes:
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise UsageError(f"the pseudonym key {path} can be read by others; run: chmod 600 '{path}'")
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise UsageError(
            f"the pseudonym key {path} is damaged; restore it from a backup, "
            "or move it away to begin anew (pseudonyms will change)"
        )
    return key
