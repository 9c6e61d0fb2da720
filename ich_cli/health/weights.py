"""Are there networks, and are they the ones that their cards describe?"""

from __future__ import annotations

from ich_cli.errors import UsageError
from ich_cli.health.check import Check, State
from ich_cli.models.inventory import take_stock


def check_weights() -> tuple[Check, ...]:
    """One check a network; one that fails when there is none."""
    try:
        entries = take_stock()
    except UsageError as error:
        return (Check("weights", "folders", State.FAILED, "not found", str(error)),)
    if not entries:
        advice = "reinstall ich-cli, or name a folder with model cards in ICH_WEIGHTS"
        return (Check("weights", "networks", State.FAILED, "none found", advice),)
    return tuple(
        Check("weights", entry.name, State.FAILED, "unusable", entry.problem)
        if entry.problem or entry.card is None
        else Check("weights", entry.name, State.OK, f"version {entry.card.version}, intact")
        for entry in entries
    )
