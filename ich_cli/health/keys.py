"""Which second readers have a key. Keys themselves are never shown, nor any part of them."""

from __future__ import annotations

from ich_cli.errors import UsageError
from ich_cli.health.check import Check, State
from ich_cli.mllm.config import load_config
from ich_cli.mllm.keys import find_key


def check_keys() -> tuple[Check, ...]:
    """One check a provider. A missing key is no fault: the second reader is optional."""
    try:
        providers = load_config().providers
    except UsageError as error:
        return (Check("key", "providers", State.FAILED, str(error), "correct the file"),)
    return tuple(
        Check("key", name, State.INFO, "present")
        if find_key(name, provider.key_variables)
        else Check("key", name, State.INFO, "none", f"set {' or '.join(provider.key_variables)}")
        for name, provider in providers.items()
    )
