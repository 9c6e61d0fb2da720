"""All questions, in the order in which an installer would ask them."""

from __future__ import annotations

from collections.abc import Iterable

from ich_cli.health.check import Check, State
from ich_cli.health.decoders import check_decoders
from ich_cli.health.folders import check_folders
from ich_cli.health.keys import check_keys
from ich_cli.health.packages import check_packages, check_python
from ich_cli.health.runtime import check_runtime
from ich_cli.health.weights import check_weights


def examine() -> tuple[Check, ...]:
    """Look at everything that a run needs; never raises for what is missing."""
    return (
        check_python(),
        *check_packages(),
        *check_runtime(),
        *check_decoders(),
        *check_weights(),
        *check_keys(),
        *check_folders(),
    )


def is_fit(checks: Iterable[Check]) -> bool:
    """Whether scans can be run: nothing failed."""
    return all(check.state is not State.FAILED for check in checks)
