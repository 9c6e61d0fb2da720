"""API keys: from the environment or the system's keyring, into the request header, nowhere else."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from contextlib import suppress

SERVICE = "ich"
"""Name of the keyring entry: ``keyring set ich gemini`` stores a key for Gemini."""

_TALKATIVE = ("openai", "anthropic", "google_genai", "httpx", "httpx2", "httpcore", "httpcore2")
_KEY_SHAPE = re.compile(r"\b(sk-[\w-]{8,}|AIza[\w-]{20,}|Bearer\s+\S+)")


def find_key(provider: str, variables: Sequence[str]) -> str | None:
    """The key of a provider: the first set variable, else the keyring, else ``None``."""
    for name in variables:
        value = os.environ.get(name, "").strip()
        if value:
            return value
    return _from_keyring(provider)


def _from_keyring(provider: str) -> str | None:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    with suppress(KeyringError, RuntimeError):
        value: str | None = keyring.get_password(SERVICE, provider)
        return value or None
    return None


def redact(text: str, key: str) -> str:
    """Take the key, and whatever looks like one, out of a server's message."""
    if key:
        text = text.replace(key, "***")
    return _KEY_SHAPE.sub("***", text)


def quiet_loggers() -> None:
    """Keep the SDKs from logging headers and bodies, whatever level the program logs at."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
