"""One file a provider: its official SDK behind :class:`~ich_cli.mllm.wire.Provider`."""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ich_cli.mllm.keys import quiet_loggers
from ich_cli.mllm.wire import Endpoint, Provider

if TYPE_CHECKING:
    import httpx2

REGISTRY: dict[str, str] = {
    "openai": "ich_cli.mllm.providers.openai_:Responses",
    "compatible": "ich_cli.mllm.providers.compatible:ChatCompletions",
    "gemini": "ich_cli.mllm.providers.gemini:GenerateContent",
    "claude": "ich_cli.mllm.providers.claude:Messages",
}
"""Name → module and class. A further provider is one file and one line here."""

MEANT_FOR_OTHERS = (
    *("OPENAI_CUSTOM_HEADERS", "ANTHROPIC_CUSTOM_HEADERS"),
    *("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_HTTP_CLIENT"),
)
"""Where the SDKs look for headers, keys and another HTTP client, although they are given ours."""

_ENVIRONMENT = threading.Lock()


def make_provider(name: str, endpoint: Endpoint, client: httpx2.Client) -> Provider:
    """Import the SDK of one provider and connect it; the others stay unimported.

    Of the environment nothing but the key goes along: headers set for another program could
    carry a log-in, and would reach any server that is named.
    """
    module, attribute = REGISTRY[name].split(":")
    factory = getattr(importlib.import_module(module), attribute)
    # After the import: OPENAI_LOG and ANTHROPIC_LOG set the levels there.
    quiet_loggers()
    with _hidden(MEANT_FOR_OTHERS):
        provider: Provider = factory(endpoint, client)
    return provider


@contextmanager
def _hidden(variables: tuple[str, ...]) -> Iterator[None]:
    """Take variables out of the environment: the SDKs read them when a client is made."""
    with _ENVIRONMENT:
        kept = {name: os.environ.pop(name) for name in variables if name in os.environ}
        try:
            yield
        finally:
            os.environ.update(kept)
