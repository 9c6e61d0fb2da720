"""One file a provider: its official SDK behind :class:`~ich_cli.mllm.wire.Provider`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

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


def make_provider(name: str, endpoint: Endpoint, client: httpx2.Client) -> Provider:
    """Import the SDK of one provider and connect it; the others stay unimported."""
    module, attribute = REGISTRY[name].split(":")
    factory = getattr(importlib.import_module(module), attribute)
    provider: Provider = factory(endpoint, client)
    return provider
