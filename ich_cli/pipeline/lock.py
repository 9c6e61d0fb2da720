"""One run per output folder.

The lock is the kernel's own (``flock``; a byte range on Windows): it dies with its owner,
however that died, so a stale lock needs no guessing by age or by process number and no
clock. Who holds it, and since when, stands in the lock file for the message.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from ich_cli.errors import LockedError, OutputError

LOCK_FILE = ".ich.lock"
_OWNER_AT = 1
"""Windows locks bytes for reading as well; the owner is written behind the locked one."""
_TRIES = 4
_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds, or held, a lock."""

    pid: int
    host: str
    since: float
    command: str

    def age_s(self, now: float) -> float:
        """Seconds since it was taken; 0 where the clock went backwards."""
        return max(0.0, now - self.since)


@contextmanager
def hold(out: Path) -> Iterator[Owner | None]:
    """Hold the lock on the output folder ``out``, which is made when it is not there.

    Yields:
        The owner of a stale lock that was taken over (its run did not end by itself), or
        ``None``.

    Raises:
        LockedError: Another run holds it; the message says which, and for how long.
        OutputError: The folder cannot be made or written.
    """
    path = out / LOCK_FILE
    try:
        out.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o640)
    except OSError as err:
        raise OutputError(f"cannot write to {out}: {err.strerror}; check its permissions") from err
    try:
        if not _lock_soon(handle):
            raise LockedError(_held_message(out, _read_owner(path)))
        before = _read_owner(path)
        _write_owner(handle, _me())
        try:
            yield before
        finally:
            # Emptied, not removed: a waiting opener of a removed file would lock nothing.
            _write_owner(handle, None)
            _unlock(handle)
    finally:
        os.close(handle)


def holder(out: Path) -> Owner | None:
    """Who holds the lock on ``out`` now, without taking it; ``None`` when it is free."""
    path = out / LOCK_FILE
    try:
        handle = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return None
    try:
        if _try_lock(handle):
            _unlock(handle)
            return None
        return _read_owner(path) or Owner(0, "", time.time(), "")
    finally:
        os.close(handle)


def _lock_soon(handle: int) -> bool:
    """Try for a moment: someone may just be looking whether the lock is free."""
    for _ in range(_TRIES):
        if _try_lock(handle):
            return True
        time.sleep(_PAUSE_S)
    return False


def _me() -> Owner:
    return Owner(os.getpid(), socket.gethostname(), time.time(), Path(sys.argv[0]).name)


def _held_message(out: Path, owner: Owner | None) -> str:
    if owner is None:
        return f"another run holds the lock on {out}; wait for it or choose another --out"
    minutes = owner.age_s(time.time()) / 60
    return (
        f"process {owner.pid} on {owner.host} ({owner.command}) has held the lock on {out} "
        f"for {minutes:.0f} min; wait for it or choose another --out"
    )


def _read_owner(path: Path) -> Owner | None:
    try:
        with path.open("rb") as file:
            file.seek(_OWNER_AT)
            fields = json.loads(file.read() or b"null")
        return None if fields is None else Owner(**fields)
    except (OSError, ValueError, TypeError):
        return None


def _write_owner(handle: int, owner: Owner | None) -> None:
    """Best effort: a full disk must not keep a run from starting or from ending."""
    try:
        os.ftruncate(handle, 0)
        if owner is not None:
            os.lseek(handle, 0, os.SEEK_SET)
            os.write(handle, b" " * _OWNER_AT + json.dumps(asdict(owner)).encode())
    except OSError:
        return


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int) -> bool:
        os.lseek(handle, 0, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(handle: int) -> None:
        os.lseek(handle, 0, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            if err.errno in (errno.EWOULDBLOCK, errno.EACCES):
                return False
            raise OutputError(
                f"this file system cannot lock files ({err.strerror}); "
                "choose an --out on a local disk"
            ) from err
        return True

    def _unlock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)
