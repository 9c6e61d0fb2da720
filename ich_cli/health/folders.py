"""Can the files be written that a run keeps for the user?"""

from __future__ import annotations

import tempfile
from pathlib import Path

from ich_cli.health.check import Check, State
from ich_cli.pipeline.privacy import config_home


def check_folders() -> tuple[Check, ...]:
    """The configuration folder, which holds the key of the pseudonyms, and the temporary one."""
    return (
        _check("configuration", config_home(), "make it writable or set XDG_CONFIG_HOME"),
        _check("temporary", Path(tempfile.gettempdir()), "make it writable or set TMPDIR"),
    )


def _check(name: str, folder: Path, advice: str) -> Check:
    """Really write a file, into the nearest folder that is there; nothing is left behind."""
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        return Check("folder", name, State.FAILED, f"{folder}: {error.strerror}", advice)
    return Check("folder", name, State.OK, str(folder))
