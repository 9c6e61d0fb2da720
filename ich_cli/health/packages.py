"""Python and the packages that the project stands on."""

from __future__ import annotations

import platform
import sys
from importlib import metadata

from ich_cli.health.check import Check, State

OLDEST_PYTHON = (3, 10)


def check_python() -> Check:
    """The interpreter."""
    enough = sys.version_info[:2] >= OLDEST_PYTHON
    wanted = ".".join(map(str, OLDEST_PYTHON))
    return Check(
        "python",
        "python",
        State.OK if enough else State.FAILED,
        f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "" if enough else f"install Python {wanted} or newer",
    )


def check_packages() -> tuple[Check, ...]:
    """The project's own version and each run-time dependency that it declares."""
    from packaging.requirements import Requirement

    try:
        own = metadata.distribution("ich-cli")
    except metadata.PackageNotFoundError:
        return (Check("package", "ich-cli", State.FAILED, "not installed", "pip install ich-cli"),)
    checks = [Check("package", "ich-cli", State.OK, own.version)]
    for line in sorted(own.requires or (), key=str.lower):
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            checks.append(_check(wanted.name, str(wanted.specifier)))
    return tuple(checks)


def _check(name: str, specifier: str) -> Check:
    from packaging.specifiers import SpecifierSet

    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Check("package", name, State.FAILED, "not installed", f"pip install '{name}'")
    if SpecifierSet(specifier).contains(version, prereleases=True):
        return Check("package", name, State.OK, version)
    return Check(
        "package", name, State.FAILED, f"{version}, needs {specifier}", f"pip install -U '{name}'"
    )
