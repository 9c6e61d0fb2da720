"""Over which channels positive scans are told, by the settings."""

from __future__ import annotations

import os
import shlex

from ich_cli.errors import UsageError
from ich_cli.pipeline.notify import Command, Webhook
from ich_cli.pipeline.notify_outbox import Send
from ich_cli.pipeline.watch_settings import SECRET_VARIABLE, WatchSettings


def channels_of(settings: WatchSettings) -> dict[str, Send]:
    """How to deliver, by channel.

    Raises:
        UsageError: A webhook without a secret, or a command that cannot be read.
    """
    channels: dict[str, Send] = {}
    if settings.notify is not None:
        secret = os.environ.get(SECRET_VARIABLE, "")
        if not secret:
            raise UsageError(f"--notify signs its messages: set {SECRET_VARIABLE}")
        channels["webhook"] = Webhook(settings.notify, secret.encode())
    if settings.on_positive is not None:
        try:
            arguments = tuple(shlex.split(settings.on_positive))
        except ValueError as error:
            raise UsageError(f"--on-positive cannot be read: {error}") from None
        if not arguments:
            raise UsageError("--on-positive names no command")
        keep = {k: v for k, v in os.environ.items() if not k.endswith(("_API_KEY", "_SECRET"))}
        channels["command"] = Command(arguments, keep)
    return channels
