"""What goes to a provider and what comes back, in one shape for all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Turn:
    """One message: text, and PNG pictures where it is the user's."""

    role: str
    text: str
    images: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """One request.

    ``temperature`` and ``seed`` are left out of the request where ``None``; without
    ``structured`` the schema is not enforced by the server, only asked for in the text.
    """

    model: str
    system: str
    turns: tuple[Turn, ...]
    schema: dict[str, Any]
    max_output_tokens: int
    timeout_s: float
    temperature: float | None = None
    seed: int | None = None
    structured: bool = True


class Finish(str, Enum):
    """How the model ended its text."""

    COMPLETE = "complete"
    TRUNCATED = "truncated"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of a server; ``None`` where the server did not say."""

    text: str
    finish: Finish = Finish.COMPLETE
    model: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that a server says it has counted; ``None`` where it did not say."""

    tokens_in: int | None = None
    tokens_out: int | None = None


class Fault(str, Enum):
    """What can go wrong between here and an answer."""

    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    REJECTED = "rejected"
    AUTH = "auth"
    QUOTA = "quota"
    CERTIFICATE = "certificate"
    BAD_REPLY = "bad_reply"
    QUEUE = "queue_too_long"
    STOPPED = "stopped"


RETRIABLE = frozenset({Fault.RATE_LIMITED, Fault.SERVER_ERROR, Fault.TIMEOUT, Fault.CONNECTION})
FINAL = frozenset({Fault.AUTH, Fault.QUOTA})
"""Faults that no request soon after will escape."""


class ProviderError(Exception):
    """A request that brought no answer. ``detail`` carries no key and no content.

    ``option`` is the sampling option that the server does not take, where it names one;
    ``usage`` is what it has counted all the same: that is on the bill.
    """

    def __init__(
        self,
        fault: Fault,
        detail: str = "",
        *,
        option: str = "",
        retry_after_s: float | None = None,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(f"{fault.value}: {detail}")
        self.fault = fault
        self.detail = detail
        self.option = option
        self.retry_after_s = retry_after_s
        self.usage = usage or Usage()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a provider's requests go. The key never shows in ``repr``."""

    base_url: str
    key: str = field(repr=False)


class Provider(Protocol):
    """One wire format. ``send`` is called from several threads."""

    def send(self, ask: Ask) -> Reply:
        """Send one request and wait; raise :class:`ProviderError` when no answer comes."""
        ...
